"""Source files of a merge, and the check that they do not change."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engine.checkpoint.formats.registry import format_of
from engine.errors import CheckpointError, machine_error
from engine.plan.outputs import OutputTensor


@dataclass(frozen=True, slots=True)
class SourceFile:
    """Identity of one safetensors file at the start of the merge."""

    path: Path
    size: int
    modified_ns: int
    header_digest: str


def sources_of(tensors: Iterable[OutputTensor]) -> list[SourceFile]:
    """The files of the pieces of `tensors`, each once, in order of path. Raises CheckpointError or MachineError."""
    return [_identified(path) for path in sorted({piece.file for tensor in tensors for piece in tensor.pieces})]


def check_unchanged(sources: Iterable[SourceFile]) -> None:
    """Raises CheckpointError for a file that is not what it was: it was written to while being copied."""
    for source in sources:
        now = _identified(source.path)
        if now != source:
            raise CheckpointError(
                f"{source.path} changed while it was being copied",
                why=f"it had {source.size:,} bytes, now {now.size:,}, modified since",
                fix="Start the merge again when nothing writes to the checkpoint; it will start over.",
            )


@contextmanager
def opened_source(path: Path) -> Iterator[int]:
    """A descriptor to read `path`. Raises CheckpointError when it is gone, MachineError when it may not be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError as error:
        raise CheckpointError(
            f"{path} is missing",
            why="it was there when the plan was checked",
            fix="Restore the file, then merge again.",
        ) from error
    except OSError as error:
        raise machine_error(f"{path} cannot be read", error) from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _identified(path: Path) -> SourceFile:
    with opened_source(path) as descriptor:
        status = os.fstat(descriptor)
        header = format_of(path.name).header_bytes(descriptor)
    return SourceFile(path, status.st_size, status.st_mtime_ns, hashlib.sha256(header).hexdigest())
