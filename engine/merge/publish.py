"""Gives a whole checkpoint its final name in one step, and finishes that step when a run died in the middle of it.

A durable record says which directory is being published, so what was begun can be told from what was done.
"""

import errno
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from engine.checkpoint.config import CONFIG_FILE, read_config
from engine.errors import CheckpointError, UsageError, machine_error
from engine.files import exchange, sync_directory, write_whole
from engine.merge.manifest import MANIFEST_FILE
from engine.merge.partial import Partial, clear, is_owned_by_another, locked, partial_of

_TAKEN = (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR)
"""What a rename answers when something is at the new name; the last: a file."""


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
    if not _is_model(out):
        raise UsageError(
            f"{out} is not overwritten",
            why=f"it holds no {CONFIG_FILE} of a language model beside safetensors files, nor {MANIFEST_FILE}",
            fix="Choose another output.",
        )


def publish(partial: Partial, request: str, *, overwrite: bool) -> None:
    """Rename the partial checkpoint to its final name, replacing what is there if `overwrite` allows, and tidy up.

    The checkpoint is whole and synced. Raises UsageError or OSError; then nothing has changed under the final name.
    """
    record = {"inode": partial.model.stat().st_ino, "request": request}
    write_whole(partial.record, json.dumps(record) + "\n")
    _put_in_place(partial, overwrite=overwrite)
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


def _put_in_place(partial: Partial, *, overwrite: bool) -> None:
    try:
        partial.model.rename(partial.out)
    except OSError as error:
        if error.errno not in _TAKEN:
            raise
        if not overwrite:
            raise _appeared(partial) from error
        check_output(partial.out, overwrite=True)
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


def _is_model(directory: Path) -> bool:
    """Whether it is a checkpoint, or was made by dlec: many kinds of directories have a config.json."""
    if (directory / MANIFEST_FILE).is_file():
        return True
    try:
        read_config(directory / CONFIG_FILE)
    except CheckpointError:
        return False
    return any(directory.glob("*.safetensors"))


def _appeared(partial: Partial) -> UsageError:
    return UsageError(
        f"{partial.out} has appeared while the merge ran",
        why="it was free when the merge began",
        fix=f"Move it away or replace it with --overwrite, and run the same merge again: {partial.model} is kept.",
    )


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


def discard(out: Path, job: str = "") -> None:
    """Remove what an unfinished merge has left beside `out`; a publication that was begun is finished instead.

    job: the uuid of the job that merged, "" for a merge that no job did; what others have begun stays. Raises
    UsageError while somebody merges into the output, MachineError when it cannot be removed.
    """
    partial = partial_of(out, job)
    try:
        if not partial.root.exists() or is_owned_by_another(partial):
            return
        with locked(partial):
            recover(partial)
            clear(partial)
    except OSError as error:
        raise machine_error(
            f"{error.filename or partial.root} cannot be removed",
            error,
            fix=f"Remove {partial.root} when nothing merges into {partial.out}.",
        ) from error
