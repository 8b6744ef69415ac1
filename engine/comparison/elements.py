"""Elements of stored tensors as numbers, streamed in pieces that stay in the processor's caches.

A piece is read into memory that the next piece uses again, so the memory needed does not depend on the tensor.
"""

import math
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, partial
from typing import Any, TypeAlias

import numpy as np

from engine.checkpoint.formats.format import StoredTensor
from engine.checkpoint.formats.registry import block_of
from engine.errors import CheckpointError, machine_error, shown
from engine.files import open_regular

PIECE = 256 * 1024
"""Number of elements of a piece. Smaller ones spend their time in calls, larger ones leave the caches."""

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
_Decoder: TypeAlias = Callable[[Array, Array], None]
"""Function of (stored elements, target) that writes their values into the target."""

_WIDE = ("F64", "I64", "U64", "I32", "U32")
"""Dtypes whose values float32 cannot hold."""
_UNSIGNED = ("BOOL", "U8", "U16", "U32", "U64", "F8_E8M0")


_CACHE_LINE = 64
"""Bytes. Arrays that begin elsewhere are a tenth slower."""


class Memory:
    """Memory for one array of a piece, used again for the next one."""

    def __init__(self) -> None:
        self._bytes = np.empty(0, np.uint8)

    def array(self, dtype: np.dtype[Any], count: int) -> Array:
        nbytes = count * dtype.itemsize
        if nbytes > len(self._bytes):
            spare = np.zeros(nbytes + _CACHE_LINE, np.uint8)
            begin = -spare.ctypes.data % _CACHE_LINE
            self._bytes = spare[begin : begin + nbytes]
        return self._bytes[:nbytes].view(dtype)


class Buffer:
    """Memory for one piece: its stored elements and their values."""

    def __init__(self) -> None:
        self.stored, self.values = Memory(), Memory()


class Elements:
    """Elements of one stored tensor, or of some of its rows (see `engine.plan.outputs.rows_of`), in row-major order."""

    def __init__(self, tensor: StoredTensor, descriptor: int, buffer: Buffer) -> None:
        self._tensor = tensor
        self._descriptor = descriptor
        self._buffer = buffer
        self._width = block_of(tensor.dtype).nbytes
        self._bits = np.dtype(f"<u{self._width}")
        self._value_type = np.dtype(np.float64 if tensor.dtype in _WIDE else np.float32)
        self._decode = _DECODERS[tensor.dtype]
        self.has_sign = tensor.dtype not in _UNSIGNED
        """True if the highest bit of an element is its sign."""

    def __len__(self) -> int:
        return math.prod(self._tensor.shape)

    def read(self, start: int, stop: int) -> Array:
        """Read the elements `start` to `stop` - 1, at most PIECE, and return them as unsigned integers of their width.

        The array is overwritten by the next call. Raises CheckpointError if the file has shrunk, MachineError if it
        cannot be read.
        """
        bits = self._buffer.stored.array(self._bits, stop - start)
        self._fill(bits.view(np.uint8).data, self._tensor.begin + start * self._width)
        return bits

    def values(self, bits: Array) -> Array:
        """Values of elements that `read` returned: float32, or float64 where the dtype is wider than float32.

        The array is overwritten by the next call.
        """
        values = self._buffer.values.array(self._value_type, len(bits))
        self._decode(bits, values)
        return values

    def unordered(self, bits: Array) -> Array:
        """The same values in any order, which is faster: for sums and extremes. May overwrite `bits`."""
        if self._tensor.dtype == "F32":
            return bits.view(np.float32)
        if self._tensor.dtype == "BF16" and len(bits) % 2 == 0:
            values = self._buffer.values.array(self._value_type, len(bits))
            _bfloat16_halves(bits, values)
            return values
        return self.values(bits)

    def _fill(self, target: memoryview, offset: int) -> None:
        done = 0
        while done < len(target):
            try:
                count = os.preadv(self._descriptor, [target[done:]], offset + done)
            except OSError as error:
                raise machine_error(f"{self._tensor.file} cannot be read", error) from error
            if count == 0:
                raise CheckpointError(
                    f"{self._tensor.file} has become shorter while it was read",
                    why=f"{shown(self._tensor.name)} is cut off",
                    fix="Download or copy the checkpoint again.",
                )
            done += count


@contextmanager
def open_elements(tensor: StoredTensor, buffer: Buffer) -> Iterator[Elements]:
    """Open the elements of `tensor`. Raises CheckpointError if its dtype has no values of its own, MachineError."""
    if not has_values(tensor.dtype):
        raise CheckpointError(
            f"{shown(tensor.name)} of {tensor.file} cannot be compared",
            why=f"it is stored as {tensor.dtype}, which packs several elements into a byte",
            fix="Compare checkpoints that are not quantised.",
        )
    try:
        file = open_regular(tensor.file)
    except OSError as error:
        raise machine_error(f"{tensor.file} cannot be read", error) from error
    with file:
        yield Elements(tensor, file.fileno(), buffer)


def pieces(tensor: StoredTensor, buffer: Buffer | None = None) -> Iterator[Array]:
    """Values of `tensor`, piece by piece; each array is overwritten by the next one. Raises like `open_elements`."""
    with open_elements(tensor, buffer or Buffer()) as elements:
        for start, stop in spans(len(elements)):
            yield elements.values(elements.read(start, stop))


def spans(count: int) -> Iterator[tuple[int, int]]:
    """Half-open ranges of at most PIECE elements that cover `count` elements."""
    return ((start, min(start + PIECE, count)) for start in range(0, count, PIECE))


def has_values(dtype: str) -> bool:
    """Return True if each element of a tensor type is a number with an address of its own."""
    return dtype in _DECODERS


def _bfloat16(bits: Array, values: Array) -> None:
    target = values.view(np.uint32)
    target[:] = bits
    np.left_shift(target, 16, out=target)


def _bfloat16_halves(bits: Array, values: Array) -> None:
    """Lower halves of words of two elements first, then the upper ones: half the work of widening each element."""
    words, target, half = bits.view(np.uint32), values.view(np.uint32), len(bits) // 2
    np.left_shift(words, 16, out=target[:half])
    np.bitwise_and(words, 0xFFFF0000, out=target[half:])


def _float16(bits: Array, values: Array) -> None:
    """Exponent and mantissa shifted into place and multiplied by the difference of the biases, which also makes
    subnormal numbers right. Infinity and NaN become 65536 and more."""
    target = values.view(np.int32)
    target[:] = bits.view(np.int16)
    np.left_shift(target, 13, out=target)
    np.bitwise_and(target, -0x70000001, out=target)
    np.multiply(values, np.float32(2.0**112), out=values)
    if len(values) and max(values.max(), -values.min()) >= 2.0**16:
        values[:] = bits.view(np.float16)


def _table(exponent_bits: int, bias: int, *, has_zero_nan: bool) -> Array:
    """Values of all 8-bit floats with a sign. has_zero_nan: the bits of -0 are the only NaN (FNUZ)."""
    codes = np.arange(256)
    mantissa_bits = 7 - exponent_bits
    exponents = (codes >> mantissa_bits) & (2**exponent_bits - 1)
    fractions = (codes & (2**mantissa_bits - 1)) / 2**mantissa_bits
    magnitudes = np.where(exponents == 0, fractions * 2, 1 + fractions) * 2.0 ** (exponents - bias)
    table: Array = np.where(codes < 128, magnitudes, -magnitudes).astype(np.float32)
    if has_zero_nan:
        table[128] = np.nan
    return table


@cache
def _float8_table(dtype: str) -> Array:
    match dtype:
        case "F8_E4M3":
            table = _table(4, 7, has_zero_nan=False)
            table[[127, 255]] = np.nan
        case "F8_E5M2":  # the upper byte of a float16
            table = (np.arange(256, dtype=np.uint16) << 8).view(np.float16).astype(np.float32)
        case "F8_E4M3FNUZ":
            table = _table(4, 8, has_zero_nan=True)
        case "F8_E5M2FNUZ":
            table = _table(5, 16, has_zero_nan=True)
        case _:  # F8_E8M0: powers of two
            table = np.append(2.0 ** (np.arange(255) - 127), np.nan).astype(np.float32)
    return table


def _float8(dtype: str, bits: Array, values: Array) -> None:
    np.take(_float8_table(dtype), bits, out=values, mode="clip")  # clip: no copy of the target for the sake of errors


def _number(dtype: str, bits: Array, values: Array) -> None:
    values[:] = bits.view(dtype)


_NUMBERS = {
    "F32": "<f4",
    "F64": "<f8",
    "BOOL": "u1",
    "U8": "u1",
    "I8": "i1",
    "I16": "<i2",
    "U16": "<u2",
    "I32": "<i4",
    "U32": "<u4",
    "I64": "<i8",
    "U64": "<u8",
}
"""numpy's names of the types that it has itself."""

_DECODERS: Mapping[str, _Decoder] = {
    "BF16": _bfloat16,
    "F16": _float16,
    **{dtype: partial(_float8, dtype) for dtype in ("F8_E4M3", "F8_E5M2", "F8_E4M3FNUZ", "F8_E5M2FNUZ", "F8_E8M0")},
    **{name: partial(_number, code) for name, code in _NUMBERS.items()},
}
"""Decoder by tensor type. Packed types have none."""
