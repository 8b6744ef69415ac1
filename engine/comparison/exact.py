"""Exact relations of two stored tensors: a copy, a zeroed copy, or a copy scaled by a factor that is recovered."""

import math
from collections.abc import Mapping
from typing import TypeAlias

import numpy as np

from engine.checkpoint.formats.format import StoredTensor
from engine.comparison.differences import scaled
from engine.comparison.elements import Array, Buffer, open_elements, spans
from engine.comparison.samples import sample
from engine.plan.outputs import Scaling

_MOST_DIGITS = 17
_SMALLEST_COSINE = 1 - 1e-4
"""Cosine of a sample with its source below which no factor is tried; rounding to 8 bits leaves 1 - 1e-6."""
_SIGNIFICANT_BITS: Mapping[str, int] = {"BF16": 8, "F16": 11, "F32": 24}
_SMALLEST_STEP: Mapping[str, int] = {"BF16": -133, "F16": -24, "F32": -149}
"""Exponent of the smallest subnormal number."""
_Buffers: TypeAlias = tuple[Buffer, Buffer]


def factor_of(tensor: StoredTensor, source: StoredTensor, buffers: _Buffers, offset: float = 0.0) -> float | None:
    """Return the factor by which `tensor` is its source, element by element, as a merge writes it; None without one.

    1.0: a copy; 0.0: zeroed; else the factor with the fewest decimals that gives the same bytes. offset: that of a norm
    which stores its gain minus 1. Samples decide which factors are worth reading both tensors.
    """
    own, theirs = sample(tensor, buffers[0]), sample(source, buffers[1])
    if not len(own):
        return 1.0
    for plain in (1.0, 0.0):
        if _is(own, theirs, plain, offset, tensor.dtype) and _is_throughout(tensor, source, plain, offset, buffers):
            return plain
    if tensor.dtype not in _SIGNIFICANT_BITS or not _is_parallel(own, theirs, offset):
        return None
    factor = _simplest(*_interval(own, theirs, offset, tensor.dtype))
    if factor is not None and _is_throughout(tensor, source, factor, offset, buffers):
        return factor
    factor = None if factor is None else _simplest(*_interval_of_all(tensor, source, offset, buffers))
    return factor if factor is not None and _is_throughout(tensor, source, factor, offset, buffers) else None


def _is_parallel(own: Array, source: Array, offset: float) -> bool:
    """Return True if a sample may be its source times a factor."""
    own, source = own.astype(np.float64) + offset, source.astype(np.float64) + offset
    norms = math.sqrt(float(source @ source) * float(own @ own))
    return 0 < norms < math.inf and abs(float(own @ source)) >= _SMALLEST_COSINE * norms


def _interval(own: Array, source: Array, offset: float, dtype: str) -> tuple[float, float]:
    """Return the smallest and the largest factor that gives these elements after rounding."""
    given, base = own.astype(np.float64) + offset, source.astype(np.float64) + offset
    is_known = (base != 0) & (own != 0)
    given, base, exponents = given[is_known], base[is_known], np.frexp(own[is_known])[1]
    half = np.ldexp(0.5, np.maximum(exponents - _SIGNIFICANT_BITS[dtype], _SMALLEST_STEP[dtype]))
    if not len(base):
        return -math.inf, math.inf
    ends = np.sort(np.stack([(given - half) / base, (given + half) / base]), axis=0)
    return float(ends[0].max()), float(ends[1].min())


def _interval_of_all(
    tensor: StoredTensor, source: StoredTensor, offset: float, buffers: _Buffers
) -> tuple[float, float]:
    low, high = -math.inf, math.inf
    with open_elements(tensor, buffers[0]) as own, open_elements(source, buffers[1]) as theirs:
        for span in spans(len(own)):
            values = own.values(own.read(*span)), theirs.values(theirs.read(*span))
            ends = _interval(*values, offset, tensor.dtype)
            low, high = max(low, ends[0]), min(high, ends[1])
    return low, high


def _simplest(low: float, high: float) -> float | None:
    """Return the number with the fewest decimals between two; None if `low` is above `high`."""
    if not low <= high or math.isinf(low) or math.isinf(high):
        return None
    tries = (round((low + high) / 2, digits) for digits in range(1, _MOST_DIGITS))
    return next((each for each in tries if low <= each <= high), None)


def _is(own: Array, source: Array, factor: float, offset: float, dtype: str) -> bool:
    with np.errstate(all="ignore"):
        return bool(np.array_equal(own, scaled(source, Scaling(factor, offset), dtype), equal_nan=True))


def _is_throughout(tensor: StoredTensor, source: StoredTensor, factor: float, offset: float, buffers: _Buffers) -> bool:
    with open_elements(tensor, buffers[0]) as own, open_elements(source, buffers[1]) as theirs:
        for start, stop in spans(len(own)):
            bits = own.read(start, stop)
            if factor == 1.0 and tensor.dtype == source.dtype:
                if np.not_equal(bits, theirs.read(start, stop)).any():
                    return False
            elif not _is(own.values(bits), theirs.values(theirs.read(start, stop)), factor, offset, tensor.dtype):
                return False
    return True
