"""Storage of floats: NaN as NULL, and long arrays as compressed float32 blobs."""

import math
import sys
import zlib
from array import array
from collections.abc import Iterable

from engine.errors import MachineError

_WIDTH = 4
_LEVEL = 1
"""Compression level; higher ones take ten times as long and save nothing, because the low bytes are noise."""


def as_float(value: float | None) -> float:
    """Return a stored number; SQLite stores NaN as NULL."""
    return math.nan if value is None else value


def packed(figures: Iterable[float]) -> bytes:
    """Compress numbers, rounded to float32. Bytes of equal significance are grouped, which saves a quarter."""
    raw = _little(array("f", figures)).tobytes()
    return zlib.compress(b"".join(raw[place::_WIDTH] for place in range(_WIDTH)), _LEVEL)


def unpacked(blob: bytes) -> "array[float]":
    """Decompress a blob of `packed`. Raises MachineError for any other blob."""
    try:
        shuffled = zlib.decompress(blob)
        count = len(shuffled) // _WIDTH
        raw = bytearray(len(shuffled))
        for place in range(_WIDTH):
            raw[place::_WIDTH] = shuffled[place * count : (place + 1) * count]
        return _little(array("f", bytes(raw)))
    except (zlib.error, ValueError) as error:
        raise MachineError("numbers in the store are damaged", why=str(error)) from error


def _little(figures: "array[float]") -> "array[float]":
    if sys.byteorder == "big":
        figures.byteswap()
    return figures
