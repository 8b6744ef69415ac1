"""Two models on the same sequences: the mean difference, its interval, and how surprising it would be by chance."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.numbers.intervals import Interval, sample_mean


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """New minus old, over sequences."""

    interval: Interval
    t: float
    """The mean difference in standard errors, corrected for skewness."""
    p: float
    """Two-sided, of the paired test that the mean difference is 0; 1 where every difference is 0."""


def paired_difference(deltas: Sequence[float], confidence: float = 0.95) -> PairedDifference:
    """deltas: the difference of each sequence. Raises UsageError as `sample_mean` does."""
    sample = sample_mean(deltas)
    return PairedDifference(sample.interval(confidence), sample.corrected_t, sample.p)
