"""Rank correlation."""

import math
import statistics
from collections.abc import Sequence
from itertools import groupby


def spearman(xs: Sequence[float], ys: Sequence[float]) -> float:
    """Return Spearman's rank correlation, -1 to 1; tied values get the mean of their ranks.

    NaN if undefined: fewer than two pairs, or all values of one side equal. Raises ValueError if the lengths differ or
    a value is NaN.
    """
    if len(xs) != len(ys) or any(map(math.isnan, [*xs, *ys])):
        raise ValueError("spearman needs pairs of numbers")
    if len(set(xs)) < 2 or len(set(ys)) < 2:
        return math.nan
    return statistics.correlation(ranks(xs), ranks(ys))


def ranks(values: Sequence[float]) -> list[float]:
    """Return the rank of each value, 1 for the smallest; tied values get the mean of their ranks."""
    ranked = [0.0] * len(values)
    below = 0
    for _, group in groupby(sorted(range(len(values)), key=values.__getitem__), key=values.__getitem__):
        tied = list(group)
        for index in tied:
            ranked[index] = below + (len(tied) + 1) / 2
        below += len(tied)
    return ranked
