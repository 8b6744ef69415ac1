"""Disk space: bytes that a merge needs, and the error if they do not suffice."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import DiskFullError, DlecError, MachineError, machine_error
from engine.machine.disk import free_bytes, free_files
from engine.merge.layout import Layout
from engine.merge.partial import Partial
from engine.units import byte_size

FULL = (errno.ENOSPC, errno.EDQUOT)
_OTHER_FILES = 32
"""Number of files besides the shards: config, tokenizer, journal and the like."""


def check_space(partial: Partial, layout: Layout) -> None:
    """Raises DiskFullError when the shards do not fit. What an earlier run has allocated is not needed again."""
    if missing_bytes(partial, layout) > free_bytes(partial.root):
        raise disk_full(partial, layout)


def missing_bytes(partial: Partial, layout: Layout) -> int:
    """Bytes of shards that have no disk space yet."""
    return sum(max(0, shard.nbytes - _allocated(partial.model / shard.name)) for shard in layout.shards)


def disk_full(partial: Partial, layout: Layout) -> DiskFullError:
    continues = ": it continues where it stopped" if _exists(partial.journal) else ""
    return DiskFullError(
        f"the disk is too full for {partial.out}",
        why=_shortage(partial, layout),
        fix=f"Make space, then run the same merge again{continues}.",
    )


def _shortage(partial: Partial, layout: Layout) -> str:
    """Reason for a full disk: bytes, number of files, a quota, or the files besides the weights."""
    missing, free = missing_bytes(partial, layout), free_bytes(partial.root)
    files = free_files(partial.root)
    if missing < free and files is not None and files < len(layout.shards) + _OTHER_FILES:
        return f"{byte_size(free)} are free, but only {files} more files can be made (inodes)"
    figures = f"{byte_size(missing)} more are needed of {byte_size(layout.nbytes)} in total, {byte_size(free)} are free"
    return f"{figures}: a quota ran out, or the files besides the weights do not fit" if missing < free else figures


@contextmanager
def writing(partial: Partial, layout: Layout) -> Iterator[None]:
    """Translate errors of the operating system while a merge is written."""
    try:
        yield
    except DlecError:
        raise
    except OSError as error:
        if error.errno in FULL:
            raise disk_full(partial, layout) from error
        raise _cannot_write(partial, error) from error


def _exists(path: Path) -> bool:
    return os.path.exists(path)  # noqa: PTH110 (Path.exists raises where a directory above may not be searched)


def _cannot_write(partial: Partial, error: OSError) -> MachineError:
    is_begun = _exists(partial.journal)
    return machine_error(
        f"{error.filename or partial.out} cannot be written",
        error,
        fix="What is written so far is kept; the same merge continues."
        if is_begun
        else "Choose another output, or have the permission to write there.",
    )


def _allocated(path: Path) -> int:
    try:
        return path.stat().st_blocks * 512
    except (FileNotFoundError, NotADirectoryError):
        return 0
