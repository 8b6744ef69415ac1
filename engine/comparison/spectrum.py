"""Singular values of the difference of two matrices, from its Gram matrix: an order faster than a decomposition.

Source: effective rank, Roy and Vetterli 2007 (exponential of the entropy of the normalised singular values).
"""

import math
from dataclasses import dataclass

import numpy as np

from engine.comparison.differences import scaled
from engine.comparison.elements import PIECE, Array, Buffer, Elements, open_elements
from engine.comparison.pairing import Pair

_BLOCK = 8 * 1024 * 1024
"""Number of elements of a block of rows in memory."""
FIRST = 8
"""Number of singular values whose energy is given."""


@dataclass(frozen=True, slots=True)
class Spectrum:
    """Shape of a difference."""

    stable_rank: float
    """Sum of squares over the largest squared singular value."""
    effective_rank: float
    energy: tuple[float, ...]
    """Share of the sum of squares in the first 1, 2, ..., FIRST singular values."""


def spectrum(pair: Pair) -> Spectrum | None:
    """Return the spectrum of B minus the base; None for tensors that are no matrices, and for a difference of 0.

    Holds the Gram matrix of the shorter side in memory. Raises like `engine.comparison.differences.difference`.
    """
    if len(pair.weights.stored.shape) != 2:
        return None
    eigenvalues = np.linalg.eigvalsh(_gram(pair))[::-1]
    squares = np.clip(eigenvalues, 0.0, None)
    total = float(squares.sum())
    if not total or not math.isfinite(total):
        return None
    values = np.sqrt(squares)
    shares = values[values > 0] / values.sum()
    entropy = -float((shares * np.log(shares)).sum())
    energy = np.cumsum(squares[:FIRST]) / total
    return Spectrum(total / float(squares[0]), math.exp(entropy), tuple(float(each) for each in energy))


def _gram(pair: Pair) -> Array:
    """Return D'D or DD', whichever is smaller, for D = B minus the base."""
    rows, columns = pair.weights.stored.shape
    with (
        open_elements(pair.base.stored, Buffer()) as base,
        open_elements(pair.weights.stored, Buffer()) as given,
    ):
        height = max(_BLOCK // columns, 1)
        blocks = [(start, min(start + height, rows)) for start in range(0, rows, height)]

        def block(start: int, stop: int) -> Array:
            return _difference(pair, base, given, start * columns, stop * columns).reshape(-1, columns)

        if columns <= rows:
            gram = np.zeros((columns, columns))
            for start, stop in blocks:
                part = block(start, stop)
                gram += part.T @ part
            return gram
        gram = np.empty((rows, rows))
        for start, stop in blocks:
            part = block(start, stop)
            for first, last in blocks:
                if first <= start:
                    other = part if first == start else block(first, last)
                    gram[start:stop, first:last] = part @ other.T
        return gram  # eigvalsh reads the lower triangle


def _difference(pair: Pair, base: Elements, given: Elements, start: int, stop: int) -> Array:
    """Return elements of B minus the base, float64."""
    change = np.empty(stop - start)
    for first in range(start, stop, PIECE):
        last = min(first + PIECE, stop)
        before = base.values(base.read(first, last))
        if pair.base.scaling:
            before = scaled(before, pair.base.scaling, pair.base.stored.dtype)
        after = given.values(given.read(first, last))
        np.subtract(after, before, out=change[first - start : last - start])
    return change
