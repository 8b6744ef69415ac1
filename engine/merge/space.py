"""Disk space: what a merge still needs, what there is, and the message when that is too little."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import DlecError, MachineError
from engine.merge.layout import Layout
from engine.merge.partial import Partial

FULL = (errno.ENOSPC, errno.EDQUOT)


def check_space(partial: Partial, layout: Layout) -> None:
    """Raises MachineError when the shards do not fit. What an earlier run has allocated is not needed again."""
    if missing_bytes(partial, layout) > free_bytes(partial.root):
        raise disk_full(partial, layout)


def missing_bytes(partial: Partial, layout: Layout) -> int:
    """Bytes of shards that have no disk space yet."""
    return sum(max(0, shard.nbytes - _allocated(partial.model / shard.name)) for shard in layout.shards)


def free_bytes(directory: Path) -> int:
    """What an ordinary user may still write there."""
    status = os.statvfs(directory)
    return status.f_bavail * status.f_frsize


def disk_full(partial: Partial, layout: Layout) -> MachineError:
    missing, free = missing_bytes(partial, layout), free_bytes(partial.root)
    return MachineError(
        f"the disk is too full for {partial.out}",
        why=f"{missing / 1e6:,.1f} MB more are needed of {layout.nbytes / 1e6:,.1f} MB in all, "
        f"{free / 1e6:,.1f} MB are free",
        fix="Make space, then run the same merge again: it continues where it stopped.",
    )


@contextmanager
def writing(partial: Partial, layout: Layout) -> Iterator[None]:
    """What the operating system says while a merge is written, in our words."""
    try:
        yield
    except DlecError:
        raise
    except OSError as error:
        if error.errno in FULL:
            raise disk_full(partial, layout) from error
        raise MachineError(
            f"{error.filename or partial.out} cannot be written",
            why=error.strerror or str(error),
            fix="What is written so far is kept; the same merge continues.",
        ) from error


def _allocated(path: Path) -> int:
    try:
        return path.stat().st_blocks * 512
    except FileNotFoundError:
        return 0
