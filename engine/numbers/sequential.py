"""A paired test that may be looked at again and again: which plans need not be measured to the end.

The mean difference is looked at after 16, 32, 64, ... sequences. At look k the one-sided interval is so wide that it
misses with a probability of at most alpha / (k * (k + 1)) for any of m plans together; these add up to less than alpha
however many looks there are (Bonferroni, spent over looks and plans). It is conservative at every look, and what it
stops is only ever "worse than the base": a figure that it cut short is never reported as a measurement.
"""

from collections.abc import Iterator, Sequence

from engine.numbers.intervals import MIN_SEQUENCES, mean_interval

ALPHA = 0.05


def looks(sequences: int) -> Iterator[int]:
    """After how many sequences to look: 16, 32, 64, ... and at the end, when there is nothing left to save."""
    after = MIN_SEQUENCES
    while after < sequences:
        yield after
        after *= 2
    yield sequences


def is_surely_worse(deltas: Sequence[float], look: int, plans: int, alpha: float = ALPHA) -> bool:
    """deltas: of the sequences so far, 16 or more; look: 1 for the first; plans: in the whole sweep."""
    spent = alpha / (look * (look + 1)) / plans
    return mean_interval(deltas, 1 - 2 * spent).low > 0
