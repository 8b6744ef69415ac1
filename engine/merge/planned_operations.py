"""Byte operations of a merge: which bytes go where, and what is computed on the way. Made from a layout; pure."""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias, TypeVar

from engine.checkpoint.checkpoint import FLOAT_DTYPES
from engine.checkpoint.formats.format import StoredTensor
from engine.checkpoint.formats.registry import block_of
from engine.errors import PlanError, shown
from engine.merge.layout import Layout, PlacedTensor
from engine.plan.outputs import Cast, Fill, Mean, OutputTensor, Scale, Scaling, operation_on

MAX_COPY = 64 * 2**20
"""Maximum bytes of one operation: what is repeated after a kill, and how often progress is reported."""
MAX_COMPUTE = 4 * 2**20
"""Maximum bytes of one source computed at a time: they pass through memory, several times over."""


@dataclass(frozen=True, slots=True)
class SourceBytes:
    """A range of elements of one file."""

    file: Path
    offset: int
    length: int
    """Bytes."""
    dtype: str


@dataclass(frozen=True, slots=True)
class CopyBytes:
    """Bytes copied unchanged."""

    source: Path
    source_offset: int
    length: int
    shard: str
    offset: int


@dataclass(frozen=True, slots=True)
class FillBytes:
    """One value repeated; nothing is read."""

    element: bytes
    """The value as stored."""
    length: int
    """Bytes; a multiple of the element's."""
    shard: str
    offset: int


@dataclass(frozen=True, slots=True)
class ComputeBytes:
    """Elements of one range, cast, scaled, or both."""

    source: SourceBytes
    work_dtype: str
    dtype: str
    scaling: Scaling | None
    """None for a cast."""
    length: int
    """Bytes written."""
    shard: str
    offset: int


@dataclass(frozen=True, slots=True)
class AverageBytes:
    """Elementwise mean of several ranges with the same number of elements."""

    sources: tuple[SourceBytes, ...]
    dtype: str
    length: int
    """Bytes written."""
    shard: str
    offset: int


_Computed = TypeVar("_Computed", ComputeBytes, AverageBytes)
ByteOperation: TypeAlias = CopyBytes | FillBytes | ComputeBytes | AverageBytes


def byte_operations(layout: Layout) -> list[ByteOperation]:
    """Everything that fills the shards after their headers: constants first, then in the order of the source bytes.

    Raises PlanError for a tensor whose dtype cannot be computed with.
    """
    placed = [(shard.name, placed) for shard in layout.shards for placed in shard.tensors if placed.end > placed.begin]
    copies = _coalesced(copy for shard, each in placed if each.tensor.is_copy for copy in _copies(shard, each))
    others = (operation for shard, each in placed if not each.tensor.is_copy for operation in _computed(shard, each))
    return sorted((step for operation in (*copies, *others) for step in _steps(operation)), key=_place_in_sources)


def _copies(shard: str, placed: PlacedTensor) -> Iterator[CopyBytes]:
    offset = placed.begin
    for piece in placed.tensor.pieces:
        yield CopyBytes(piece.file, piece.begin, piece.nbytes, shard, offset)
        offset += piece.nbytes


def _computed(shard: str, placed: PlacedTensor) -> Iterator[ByteOperation]:
    tensor = placed.tensor
    match tensor.operation:
        case Fill(value):
            yield FillBytes(_element(value, tensor.dtype), placed.end - placed.begin, shard, placed.begin)
        case Mean():
            _require_float(tensor)
            sources = tuple(map(_source_of, tensor.pieces))
            yield AverageBytes(sources, tensor.dtype, placed.end - placed.begin, shard, placed.begin)
        case _:
            yield from _concatenated(shard, placed)


def _concatenated(shard: str, placed: PlacedTensor) -> Iterator[ByteOperation]:
    """The pieces one after another, each cast or scaled."""
    offset = placed.begin
    for piece in placed.tensor.pieces:
        operation = _of_piece(placed.tensor, piece, shard, offset)
        if operation.length:
            yield operation
        offset += operation.length


def _of_piece(tensor: OutputTensor, piece: StoredTensor, shard: str, offset: int) -> CopyBytes | ComputeBytes:
    operation = tensor.operation
    if isinstance(operation, Cast):  # a piece may be stored as it is to be written already
        operation = operation_on(piece.dtype, operation.work_dtype, tensor.dtype, None)
    if not isinstance(operation, Cast | Scale):
        return CopyBytes(piece.file, piece.begin, piece.nbytes, shard, offset)
    _require_float(tensor)
    scaling = operation.scaling if isinstance(operation, Scale) else None
    length = piece.nbytes * block_of(tensor.dtype).nbytes // block_of(piece.dtype).nbytes
    return ComputeBytes(_source_of(piece), operation.work_dtype, tensor.dtype, scaling, length, shard, offset)


def _source_of(piece: StoredTensor) -> SourceBytes:
    return SourceBytes(piece.file, piece.begin, piece.nbytes, piece.dtype)


def _require_float(tensor: OutputTensor) -> None:
    for piece in tensor.pieces:
        for dtype in (piece.dtype, tensor.dtype):
            if dtype not in FLOAT_DTYPES:
                raise PlanError(
                    f"tensor {shown(piece.name)} of {piece.file} cannot be scaled, cast or averaged",
                    why=f"its dtype is {dtype}; supported: {', '.join(FLOAT_DTYPES)}",
                    fix="Stack the unquantised checkpoint, or give the scale a filter that leaves this tensor out.",
                )


def _element(value: float, dtype: str) -> bytes:
    """`value`, which is 0 or a small whole number, as one stored element."""
    if value == 0:
        return bytes(block_of(dtype).nbytes)
    if dtype == "BF16":
        return struct.pack("<f", value)[2:]
    return struct.pack({"F64": "<d", "F32": "<f", "F16": "<e"}[dtype], value)


def _coalesced(copies: Iterable[CopyBytes]) -> Iterator[CopyBytes]:
    """Copies in the order of their targets; those that are contiguous in source and target become one."""
    current: CopyBytes | None = None
    for copy in copies:
        if current is not None and _continues(copy, current):
            current = replace(current, length=current.length + copy.length)
            continue
        if current is not None:
            yield current
        current = copy
    if current is not None:
        yield current


def _continues(copy: CopyBytes, before: CopyBytes) -> bool:
    return (
        copy.source == before.source
        and copy.shard == before.shard
        and copy.source_offset == before.source_offset + before.length
        and copy.offset == before.offset + before.length
    )


def _steps(operation: ByteOperation) -> Iterator[ByteOperation]:
    """An operation in steps of limited size. Elementwise work gives the same bytes in steps."""
    match operation:
        case CopyBytes(source, source_offset, length, shard, offset):
            for at, size in _cut(length, MAX_COPY):
                yield CopyBytes(source, source_offset + at, size, shard, offset + at)
        case FillBytes(element, length, shard, offset):
            for at, size in _cut(length, MAX_COPY):
                yield FillBytes(element, size, shard, offset + at)
        case ComputeBytes(source):
            for at, elements in _element_steps([source]):
                step = replace(operation, source=_part_of(source, at, elements))
                yield _moved(step, at, elements)
        case AverageBytes(sources):
            for at, elements in _element_steps(sources):
                parts = tuple(_part_of(source, at, elements) for source in sources)
                yield _moved(replace(operation, sources=parts), at, elements)


def _element_steps(sources: Iterable[SourceBytes]) -> Iterator[tuple[int, int]]:
    """(First element, number of elements) of each step."""
    widest = max(sources, key=lambda source: block_of(source.dtype).nbytes)
    width = block_of(widest.dtype).nbytes
    return _cut(widest.length // width, max(1, MAX_COMPUTE // width))


def _part_of(source: SourceBytes, at: int, elements: int) -> SourceBytes:
    width = block_of(source.dtype).nbytes
    return replace(source, offset=source.offset + at * width, length=elements * width)


def _moved(operation: _Computed, at: int, elements: int) -> _Computed:
    """`operation` writing some elements only, from the element `at` of its target on."""
    width = block_of(operation.dtype).nbytes
    return replace(operation, offset=operation.offset + at * width, length=elements * width)


def _cut(length: int, step: int) -> Iterator[tuple[int, int]]:
    """`length` in (offset, size) of at most `step`."""
    return ((at, min(step, length - at)) for at in range(0, length, step))


def _place_in_sources(operation: ByteOperation) -> tuple[str, int, str, int]:
    match operation:
        case CopyBytes(file, begin):
            pass
        case ComputeBytes(SourceBytes(file, begin)) | AverageBytes((SourceBytes(file, begin), *_)):
            pass
        case FillBytes():
            return "", 0, operation.shard, operation.offset
    return str(file), begin, operation.shard, operation.offset
