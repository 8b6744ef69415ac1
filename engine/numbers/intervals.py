"""Confidence intervals of a mean over sequences."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from engine.errors import UsageError
from engine.numbers.student_t import t_quantile

MIN_SEQUENCES = 16
"""Below this a t-interval leans on the sequences being normally distributed, which they are not."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and how well it is known, in the unit of the values."""

    mean: float
    se: float
    """Standard error of the mean."""
    low: float
    high: float
    """The confidence interval is [low, high]; of width 0 when all values are equal."""
    n: int
    """Values, i.e. sequences: at least MIN_SEQUENCES."""


def mean_interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """Student's t-interval of the mean. For a paired comparison give the differences, one for each sequence.

    Raises UsageError "too few sequences" below MIN_SEQUENCES, and when a value is not a finite number.
    """
    _require_enough(values)
    _require_finite(values)
    n = len(values)
    mean = math.fsum(values) / n
    se = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1) / n)
    reach = t_quantile((1 + confidence) / 2, n - 1) * se
    return Interval(mean, se, mean - reach, mean + reach, n)


def _require_enough(values: Sequence[float]) -> None:
    if len(values) < MIN_SEQUENCES:
        raise UsageError(
            "too few sequences",
            why=f"{len(values)} were measured, an interval needs at least {MIN_SEQUENCES}",
            fix="Give more text, or shorter sequences.",
        )


def _require_finite(values: Sequence[float]) -> None:
    for sequence, value in enumerate(values):
        if not math.isfinite(value):
            raise UsageError("no interval can be given", why=f"sequence {sequence} measured {value}")
