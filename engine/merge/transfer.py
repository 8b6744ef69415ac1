"""Source files of a merge, and copies of byte ranges from them inside the kernel, as far as the file systems allow.

In the order of preference: copy_file_range(2), which may share extents instead of copying; sendfile(2); read and write.
"""

import errno
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from engine.checkpoint.formats.registry import format_of
from engine.errors import CheckpointError, MachineError, machine_error
from engine.plan.outputs import OutputTensor

Means: TypeAlias = Callable[[int, int, int, int, int], int]
"""(source, source offset, target, target offset, length) -> bytes moved, at least 1 unless the source has ended.

Source and target are file descriptors.
"""

BUFFER = 1 << 20
"""Bytes that read and write hold in memory."""

UNSUPPORTED = (errno.EXDEV, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.EPERM)
"""Errors of means that do not work between two files. EPERM: some sandboxes forbid new system calls."""


def by_copy_file_range(source: int, source_offset: int, target: int, offset: int, length: int) -> int:
    return os.copy_file_range(source, target, length, source_offset, offset)


def by_sendfile(source: int, source_offset: int, target: int, offset: int, length: int) -> int:
    os.lseek(target, offset, os.SEEK_SET)
    return os.sendfile(target, source, source_offset, length)


def by_read_and_write(source: int, source_offset: int, target: int, offset: int, length: int) -> int:
    piece = os.pread(source, min(length, BUFFER), source_offset)
    write_all(target, piece, offset)
    return len(piece)


def write_all(target: int, content: bytes, offset: int) -> None:
    """Write `content` at `offset`, however many calls that takes."""
    rest = memoryview(content)
    while rest:
        written = os.pwrite(target, rest, offset)
        rest, offset = rest[written:], offset + written


def available_means(*, reflink: bool) -> list[Means]:
    """The means of this platform. Without reflink, those that leave the new file with extents of its own."""
    means: list[Means] = [by_read_and_write]
    if hasattr(os, "posix_fallocate") and hasattr(os, "sendfile"):  # elsewhere sendfile serves sockets only
        means.insert(0, by_sendfile)
    if reflink and hasattr(os, "copy_file_range"):
        means.insert(0, by_copy_file_range)
    return means


class Transfer:
    """Copies ranges; means that turn out not to work between two files are not tried again."""

    def __init__(self, *, reflink: bool = True) -> None:
        self.means = available_means(reflink=reflink)

    def copy(self, source: int, source_offset: int, target: int, offset: int, length: int, path: Path) -> None:
        """Copy `length` bytes of the file `path`.

        Raises CheckpointError when it ends before them, MachineError when a disk fails, OSError for the rest.
        """
        while length:
            moved = self._move_or_blame(source, source_offset, target, offset, length, path)
            if moved == 0:
                self._meet_end(source, source_offset, length, path)
                continue
            source_offset, offset, length = source_offset + moved, offset + moved, length - moved

    def _move_or_blame(self, source: int, source_offset: int, target: int, offset: int, length: int, path: Path) -> int:
        try:
            return self._move(source, source_offset, target, offset, length)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            why = "a disk failed while it was read or the copy was written"
            raise MachineError(f"{path} could not be copied", why=why, fix="Look at the kernel's log.") from error

    def _move(self, source: int, source_offset: int, target: int, offset: int, length: int) -> int:
        try:
            return self.means[0](source, source_offset, target, offset, length)
        except OSError as error:
            if error.errno not in UNSUPPORTED or len(self.means) == 1:
                raise
            self._give_up()
            return self._move(source, source_offset, target, offset, length)

    def _meet_end(self, source: int, source_offset: int, length: int, path: Path) -> None:
        """Nothing was moved: the source has shrunk, or (on some network file systems) the means has lied."""
        if os.fstat(source).st_size < source_offset + length or len(self.means) == 1:
            raise shrunk(path, os.fstat(source).st_size, source_offset + length)
        self._give_up()

    def _give_up(self) -> None:
        self.means = self.means[1:]


def shrunk(path: Path, size: int, needed: int) -> CheckpointError:
    return CheckpointError(
        f"{path} shrank while it was being copied",
        why=f"byte {needed:,} was needed, the file has {size:,}",
        fix="Restore the file, then start the merge again.",
    )


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
