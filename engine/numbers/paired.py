"""Two models on the same sequences: the mean difference, its interval, and how surprising it would be by chance."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from engine.numbers.intervals import Interval, mean_interval
from engine.numbers.student_t import two_sided_p


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """New minus old, over sequences."""

    interval: Interval
    p: float
    """Two-sided, of the paired t-test that the mean difference is 0; 1 where every difference is 0."""

    @property
    def t(self) -> float:
        """The mean in standard errors; 0 where every difference is 0, infinite where all are equal otherwise."""
        return t_statistic(self.interval.mean, self.interval.se)


def paired_difference(deltas: Sequence[float], confidence: float = 0.95) -> PairedDifference:
    """Of the differences of each sequence. Raises UsageError as `mean_interval` does."""
    interval = mean_interval(deltas, confidence)
    return PairedDifference(interval, two_sided_p(t_statistic(interval.mean, interval.se), interval.n - 1))


def t_statistic(mean: float, se: float) -> float:
    """The mean in standard errors."""
    if se == 0:
        return math.copysign(math.inf, mean) if mean else 0.0
    return mean / se
