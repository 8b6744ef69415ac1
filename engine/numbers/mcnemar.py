"""McNemar's exact test for two models on the same items; only items that they answer differently count.

Source: Q. McNemar, Note on the sampling error of the difference between correlated proportions, Psychometrika 12
(1947); the exact form is the two-sided binomial test with probability 1/2.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction


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
