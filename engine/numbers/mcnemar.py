"""McNemar's exact test: two models answer the same items, and only those that they answer differently count.

Source: Q. McNemar, Note on the sampling error of the difference between correlated proportions, Psychometrika 12
(1947); the exact form is the two-sided binomial test of fair coins.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class McNemar:
    """The items of a probe, answered by base and plan."""

    both: int
    """Number of items that both answer correctly."""
    only_base: int
    only_plan: int
    neither: int
    p: float
    """Two-sided and exact: how often fair coins would divide the differing items as unevenly."""

    @property
    def items(self) -> int:
        return self.both + self.only_base + self.only_plan + self.neither


def mcnemar(base: Sequence[bool], plan: Sequence[bool]) -> McNemar:
    """base, plan: whether each item was answered rightly, paired. Raises ValueError when they differ in number."""
    pairs = list(zip(map(bool, base), map(bool, plan), strict=True))
    only_base, only_plan = pairs.count((True, False)), pairs.count((False, True))
    p = exact_p(only_base, only_plan)
    return McNemar(pairs.count((True, True)), only_base, only_plan, pairs.count((False, False)), p)


def exact_p(only_one: int, only_other: int) -> float:
    """Of so many discordant items on either side; 1 where there are none."""
    tosses, fewer = only_one + only_other, min(only_one, only_other)
    tail = ways = 1
    for heads in range(fewer):
        ways = ways * (tosses - heads) // (heads + 1)
        tail += ways
    return min(1.0, float(Fraction(2 * tail, 2**tosses)))
