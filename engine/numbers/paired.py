"""Paired comparison of two models: mean difference over sequences, and McNemar's exact test over probe items."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

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


@dataclass(frozen=True, slots=True)
class McNemar:
    """Numbers of probe items by correctness of base and plan."""

    both: int
    """Number of items that both answer correctly."""
    only_base: int
    only_plan: int
    neither: int
    p: float
    """Exact two-sided p-value: probability that fair coin tosses split the discordant items at least as unevenly."""

    @property
    def items(self) -> int:
        """Total number of items."""
        return self.both + self.only_base + self.only_plan + self.neither


def mcnemar(base: Sequence[bool], plan: Sequence[bool]) -> McNemar:
    """Compare two models. base, plan: correctness of each item, in one order. Raises ValueError if lengths differ."""
    pairs = list(zip(map(bool, base), map(bool, plan), strict=True))
    only_base, only_plan = pairs.count((True, False)), pairs.count((False, True))
    p = exact_p(only_base, only_plan)
    return McNemar(pairs.count((True, True)), only_base, only_plan, pairs.count((False, False)), p)


def exact_p(only_one: int, only_other: int) -> float:
    """Return the p-value for the given numbers of discordant items; 1 if both are 0."""
    tosses, fewer = only_one + only_other, min(only_one, only_other)
    tail = ways = 1
    for heads in range(fewer):
        ways = ways * (tosses - heads) // (heads + 1)
        tail += ways
    return min(1.0, float(Fraction(2 * tail, 2**tosses)))
