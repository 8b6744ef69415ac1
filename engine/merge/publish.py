"""Gives a whole checkpoint its final name in one step, and finishes that step when a run died in the middle of it.

A durable record says which directory is being published, so what was begun can be told from what was done.
"""

import errno
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from engine.checkpoint.config import CONFIG_FILE
from engine.errors import UsageError
from engine.files import exchange, sync_directory, write_whole
from engine.merge.partial import Partial, clear


@dataclass(frozen=True, slots=True)
class _Record:
    """What stands in the record."""

    inode: int
    """Of the directory being published, which keeps it through every rename."""
    request: str
    """Digest of what was asked for."""


def check_output(out: Path, *, overwrite: bool) -> None:
    """Raises UsageError when `out` cannot become the new checkpoint."""
    if not _is_occupied(out):
        return
    if not out.is_dir():
        raise UsageError(f"{out} is not a directory", fix="Choose another output.")
    if not overwrite:
        raise _not_empty(out)
    if not (out / CONFIG_FILE).is_file():
        raise UsageError(
            f"{out} is not overwritten",
            why=f"it holds no {CONFIG_FILE}, so it is no model directory",
            fix="Choose another output.",
        )


def publish(partial: Partial, request: str) -> None:
    """Rename the partial checkpoint to its final name, replacing what is there, and tidy up.

    The checkpoint is whole and synced. Raises UsageError or OSError; then nothing has changed under the final name.
    """
    record = {"inode": partial.model.stat().st_ino, "request": request}
    write_whole(partial.record, json.dumps(record) + "\n")
    _put_in_place(partial)
    _settle(partial)


def recover(partial: Partial) -> str | None:
    """Finish a publication that was cut off. Gives the request it belonged to, None when nothing had been published."""
    record = _read_record(partial.record)
    if record is None:
        return None
    if _inode(partial.out) is None and partial.replaced.exists() and _inode(partial.model) == record.inode:
        partial.model.rename(partial.out)
    if _inode(partial.out) != record.inode:
        partial.record.unlink()
        return None
    _settle(partial)
    return record.request


def _put_in_place(partial: Partial) -> None:
    try:
        partial.model.rename(partial.out)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        _replace(partial)


def _replace(partial: Partial) -> None:
    if exchange(partial.model, partial.out):
        return
    if partial.replaced.exists():
        shutil.rmtree(partial.replaced)
    partial.out.rename(partial.replaced)
    partial.model.rename(partial.out)


def _settle(partial: Partial) -> None:
    """Make the new name durable before anything old is removed."""
    sync_directory(partial.out.parent)
    sync_directory(partial.root)
    clear(partial)


def _is_occupied(out: Path) -> bool:
    return out.exists() and not (out.is_dir() and not any(out.iterdir()))


def _not_empty(out: Path) -> UsageError:
    return UsageError(
        f"{out} exists and is not empty",
        why=f"it holds {len(list(out.iterdir())):,} entries",
        fix="Choose another output, or replace it with --overwrite.",
    )


def _read_record(path: Path) -> _Record | None:
    try:
        found = json.loads(path.read_text())
        return _Record(int(found["inode"]), str(found["request"]))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return None
