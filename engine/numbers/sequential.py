"""Group-sequential paired test: decides which plans can be stopped early.

The mean difference is tested after 16, 32, 64, ... sequences. At look k the one-sided intervals of all m plans together
miss with a probability of at most alpha / (k * (k + 1)); these add up to less than alpha for any number of looks
(Bonferroni over looks and plans). Only plans that are worse than the base are stopped, and their partial figures are
never reported as measurements.
"""

from collections.abc import Iterator, Sequence

from engine.numbers.intervals import MIN_SEQUENCES, mean_interval

ALPHA = 0.05


def looks(sequences: int) -> Iterator[int]:
    """Yield the numbers of sequences after which to test: 16, 32, 64, ... and the total."""
    after = MIN_SEQUENCES
    while after < sequences:
        yield after
        after *= 2
    yield sequences


def is_surely_worse(deltas: Sequence[float], look: int, plans: int, alpha: float = ALPHA) -> bool:
    """Return True if the plan is significantly worse than the base.

    deltas: differences of the sequences so far, at least 16. look: number of the test, from 1. plans: number of plans
    in the sweep.
    """
    spent = alpha / (look * (look + 1)) / plans
    return mean_interval(deltas, 1 - 2 * spent).low > 0
