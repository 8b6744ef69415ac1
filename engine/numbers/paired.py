"""Paired comparison of two models on the same sequences: mean difference, interval, p-value."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.numbers.intervals import Interval, sample_mean


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """Mean over sequences of new minus old."""

    interval: Interval
    t: float
    """Mean difference in standard errors, corrected for skewness."""
    p: float
    """Two-sided p-value of the paired test that the mean difference is 0; 1 if every difference is 0."""


def paired_difference(deltas: Sequence[float], confidence: float = 0.95) -> PairedDifference:
    """Return the mean difference and its test. deltas: difference of each sequence. Raises as `sample_mean` does."""
    sample = sample_mean(deltas)
    return PairedDifference(sample.interval(confidence), sample.corrected_t, sample.p)
