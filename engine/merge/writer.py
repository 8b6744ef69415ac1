"""Writes the shards: allocated first, then filled operation by operation, on the disk by the time it returns."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from engine.files import allocate, read_ahead, sync_directory
from engine.merge.journal import Journal, SyncBatches, begin_journal, continued_journal, read_watermark
from engine.merge.layout import Layout, Shard
from engine.merge.partial import Partial, begin
from engine.merge.planned_operations import AverageBytes, ByteOperation, ComputeBytes, CopyBytes, FillBytes, SourceBytes
from engine.merge.space import check_space
from engine.merge.transfer import Transfer, opened_source, shrunk, write_all

Progress: TypeAlias = Callable[[int, int], None]
"""Called with (bytes done, bytes in total)."""

SYNC_BYTES = 256 * 2**20
"""Bytes between two watermarks: after a kill at most three times as much is copied again."""
FILL_BUFFER = 1 << 20


def write_shards(
    partial: Partial,
    layout: Layout,
    operations: Sequence[ByteOperation],
    signature: str,
    transfer: Transfer,
    progress: Progress,
) -> None:
    """Write every shard into the partial directory, continuing an earlier run that had the same signature.

    Raises CheckpointError when a source ends early, MachineError when the disk is too small, OSError for
    whatever else it says.
    """
    done = _resumable(partial, layout, signature)
    if done is None:
        begin(partial)
        check_space(partial, layout)
        _allocate_shards(partial.model, layout)
        begin_journal(partial.journal, signature)
    else:
        begin_journal(partial.journal, signature, done)
    with continued_journal(partial.journal) as journal:
        _perform(partial.model, operations, done or 0, transfer, journal, progress)


def _resumable(partial: Partial, layout: Layout, signature: str) -> int | None:
    done = read_watermark(partial.journal, signature)
    is_there = all(_size(partial.model / shard.name) == shard.nbytes for shard in layout.shards)
    return done if is_there else None


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.exists() else None


def _allocate_shards(directory: Path, layout: Layout) -> None:
    directory.mkdir()
    for shard in layout.shards:
        _allocate_shard(directory / shard.name, shard)
    sync_directory(directory)
    sync_directory(directory.parent)


def _allocate_shard(path: Path, shard: Shard) -> None:
    with _opened(path, os.O_RDWR | os.O_CREAT | os.O_EXCL) as descriptor:
        allocate(descriptor, shard.nbytes)
        write_all(descriptor, shard.header, 0)
        os.fsync(descriptor)


def _perform(
    directory: Path,
    operations: Sequence[ByteOperation],
    done: int,
    transfer: Transfer,
    journal: Journal,
    progress: Progress,
) -> None:
    total = sum(operation.length for operation in operations)
    written = sum(operation.length for operation in operations[:done])
    progress(written, total)
    with SyncBatches(directory, journal, SYNC_BYTES) as batches:
        for number in range(done, len(operations)):
            _ask_ahead(operations[number + 1 : number + 2])
            _perform_one(directory, operations[number], transfer)
            written += operations[number].length
            batches.add(operations[number], number + 1)
            progress(written, total)


def _perform_one(directory: Path, operation: ByteOperation, transfer: Transfer) -> None:
    with _opened(directory / operation.shard, os.O_RDWR) as target:
        match operation:
            case CopyBytes(path, source_offset, length, _, offset):
                with opened_source(path) as source:
                    transfer.copy(source, source_offset, target, offset, length, path)
            case FillBytes():
                _fill(target, operation)
            case ComputeBytes():
                write_all(target, _computed(operation), operation.offset)
            case AverageBytes():
                write_all(target, _averaged(operation), operation.offset)


def _fill(target: int, fill: FillBytes) -> None:
    block = fill.element * (min(fill.length, FILL_BUFFER) // len(fill.element))
    for at in range(0, fill.length, len(block)):
        write_all(target, block[: fill.length - at], fill.offset + at)


def _computed(operation: ComputeBytes) -> bytes:
    from engine.tensors.scaling import scaled_bytes  # torch: seconds, and only for tensors that are really changed

    raw = _read(operation.source)
    dtypes = operation.source.dtype, operation.work_dtype, operation.dtype
    if operation.scaling is None:
        return scaled_bytes(raw, *dtypes, None)
    return scaled_bytes(raw, *dtypes, operation.scaling.factor, operation.scaling.offset)


def _averaged(operation: AverageBytes) -> bytes:
    from engine.tensors.scaling import mean_bytes  # torch, as above

    raws = [_read(source) for source in operation.sources]
    return mean_bytes(raws, [source.dtype for source in operation.sources], operation.dtype)


def _read(source: SourceBytes) -> bytes:
    with opened_source(source.file) as descriptor:
        raw = os.pread(descriptor, source.length, source.offset)
        if len(raw) != source.length:
            raise shrunk(source.file, os.fstat(descriptor).st_size, source.offset + source.length)
    return raw


def _ask_ahead(operations: Sequence[ByteOperation]) -> None:
    """Have the kernel read what comes next, so that a cold cache costs no waiting."""
    for operation in operations:
        if isinstance(operation, CopyBytes):
            with opened_source(operation.source) as source:
                read_ahead(source, operation.source_offset, operation.length)


@contextmanager
def _opened(path: Path, flags: int) -> Iterator[int]:
    descriptor = os.open(path, flags, 0o644)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
