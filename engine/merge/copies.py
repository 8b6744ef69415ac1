"""Turns a layout into operations: which bytes go where, and what happens to them on the way. Pure."""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from engine.checkpoint.formats.registry import block_of
from engine.checkpoint.precision import FLOAT_DTYPES
from engine.errors import PlanError, shown
from engine.merge.layout import Layout, PlacedTensor
from engine.plan.outputs import OutputTensor, Scaling

MAX_COPY = 64 * 2**20
"""Bytes moved by one operation at most: what is lost when a merge is killed, and how often it reports."""
MAX_COMPUTE = 4 * 2**20
"""Source bytes computed at once: these do pass through memory, several times over."""

FLOAT8_DTYPES = ("F8_E4M3", "F8_E5M2", "F8_E4M3FNUZ", "F8_E5M2FNUZ")
"""Those whose zero is a zero byte (E8M0 has no zero). They can be zeroed, but not computed with."""


@dataclass(frozen=True, slots=True)
class Copy:
    """Bytes that stay what they are."""

    source: Path
    source_offset: int
    length: int
    shard: str
    offset: int


@dataclass(frozen=True, slots=True)
class Fill:
    """One value throughout, read from nowhere."""

    element: bytes
    """The value as stored."""
    length: int
    """Bytes; a multiple of the element's."""
    shard: str
    offset: int


@dataclass(frozen=True, slots=True)
class Compute:
    """Elements that are cast, scaled, or both."""

    source: Path
    source_offset: int
    source_length: int
    source_dtype: str
    work_dtype: str
    dtype: str
    scaling: Scaling | None
    """None when the elements are only cast."""
    length: int
    """Bytes written."""
    shard: str
    offset: int


Operation: TypeAlias = Copy | Fill | Compute


def operations_of(layout: Layout) -> list[Operation]:
    """Everything that fills the shards behind their headers: constants first, then in the order of the source bytes.

    Raises PlanError for a tensor whose dtype cannot be scaled.
    """
    placed = [(shard.name, placed) for shard in layout.shards for placed in shard.tensors if placed.end > placed.begin]
    copies = _coalesced(_copy(shard, tensor) for shard, tensor in placed if tensor.tensor.is_copy)
    changes = (_change(shard, tensor) for shard, tensor in placed if not tensor.tensor.is_copy)
    pieces = [piece for operation in (*copies, *changes) for piece in _pieces(operation)]
    return sorted(pieces, key=_place_in_sources)


def is_constant(tensor: OutputTensor) -> bool:
    """Whether every element becomes the same value, whatever the source holds."""
    scaling = tensor.scaling
    if scaling is None or scaling.factor != 0:
        return False
    return tensor.dtype in FLOAT_DTYPES or (tensor.dtype in FLOAT8_DTYPES and scaling.offset == 0)


def _copy(shard: str, placed: PlacedTensor) -> Copy:
    source = placed.tensor.source
    return Copy(source.file, source.begin, source.nbytes, shard, placed.begin)


def _change(shard: str, placed: PlacedTensor) -> Fill | Compute:
    tensor = placed.tensor
    scaling, source = tensor.scaling, tensor.source
    length = placed.end - placed.begin
    if scaling is not None and is_constant(tensor):
        return Fill(_element(-scaling.offset, tensor.dtype), length, shard, placed.begin)
    if tensor.dtype not in FLOAT_DTYPES:
        raise PlanError(
            f"tensor {shown(source.name)} of {source.file} cannot be scaled",
            why=f"its dtype is {source.dtype}; only {', '.join(FLOAT_DTYPES)} can",
            fix="Stack the unquantised checkpoint, or give the scale a filter that leaves this tensor out.",
        )
    dtypes = source.dtype, tensor.work_dtype, tensor.dtype
    return Compute(source.file, source.begin, source.nbytes, *dtypes, scaling, length, shard, placed.begin)


def _element(value: float, dtype: str) -> bytes:
    """`value`, which is 0 or a small whole number, as one stored element."""
    if value == 0:
        return bytes(block_of(dtype).nbytes)
    if dtype == "BF16":
        return struct.pack("<f", value)[2:]
    return struct.pack({"F64": "<d", "F32": "<f", "F16": "<e"}[dtype], value)


def _coalesced(copies: Iterable[Copy]) -> Iterator[Copy]:
    """Copies in the order of their targets, those that continue each other on both sides made one."""
    current: Copy | None = None
    for copy in copies:
        if current is not None and _continues(copy, current):
            current = Copy(
                current.source, current.source_offset, current.length + copy.length, current.shard, current.offset
            )
            continue
        if current is not None:
            yield current
        current = copy
    if current is not None:
        yield current


def _continues(copy: Copy, before: Copy) -> bool:
    return (
        copy.source == before.source
        and copy.shard == before.shard
        and copy.source_offset == before.source_offset + before.length
        and copy.offset == before.offset + before.length
    )


def _pieces(operation: Operation) -> Iterator[Operation]:
    match operation:
        case Copy(source, source_offset, length, shard, offset):
            for at, size in _steps(length, MAX_COPY):
                yield Copy(source, source_offset + at, size, shard, offset + at)
        case Fill(element, length, shard, offset):
            for at, size in _steps(length, MAX_COPY):
                yield Fill(element, size, shard, offset + at)
        case Compute():
            yield from _compute_pieces(operation)


def _compute_pieces(whole: Compute) -> Iterator[Compute]:
    """Elementwise work gives the same bytes in pieces."""
    for at, size in _steps(whole.source_length, MAX_COMPUTE):
        written = size * whole.length // whole.source_length
        offset = whole.offset + at * whole.length // whole.source_length
        dtypes = whole.source_dtype, whole.work_dtype, whole.dtype
        yield Compute(
            whole.source, whole.source_offset + at, size, *dtypes, whole.scaling, written, whole.shard, offset
        )


def _steps(length: int, step: int) -> Iterator[tuple[int, int]]:
    """Cut `length` into (offset, size) of at most `step`."""
    for at in range(0, length, step):
        yield at, min(step, length - at)


def _place_in_sources(operation: Operation) -> tuple[str, int, str, int]:
    if isinstance(operation, Fill):
        return "", 0, operation.shard, operation.offset
    return str(operation.source), operation.source_offset, operation.shard, operation.offset
