"""Publishing: a complete checkpoint gets its final name in one step, which a later run finishes after a crash.

A durable record names the directory being published, which separates started from finished publications.
"""

import errno
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from engine.checkpoint.config import CONFIG_FILE, read_config
from engine.checkpoint.formats.registry import is_weight_file
from engine.errors import CheckpointError, UsageError, machine_error
from engine.files import exchange, sync_directory, write_whole
from engine.merge.manifest import MANIFEST_FILE
from engine.merge.partial import Partial, clear, is_owned_by_another, locked, partial_of

_TAKEN = (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR)
"""Errors of a rename whose target exists; the last: a file."""


@dataclass(frozen=True, slots=True)
class _Record:
    """Content of the record."""

    inode: int
    """Inode of the directory being published; renames keep it."""
    request: str
    """Digest of the request."""


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
            why=f"it holds no {CONFIG_FILE} of a language model and files of weights, nor {MANIFEST_FILE}",
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
    """Finish an interrupted publication. Return its request, None if nothing was published."""
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
    """Return True if it is a checkpoint, or was made by dlec: many kinds of directories have a config.json."""
    if (directory / MANIFEST_FILE).is_file():
        return True
    try:
        read_config(directory / CONFIG_FILE)
    except CheckpointError:
        return False
    return any(is_weight_file(file.name) for file in directory.iterdir())


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
        record = json.loads(path.read_text())
        return _Record(int(record["inode"]), str(record["request"]))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return None


def discard(out: Path, job: str = "") -> None:
    """Remove the partial directory of an unfinished merge into `out`; a started publication is finished instead.

    job: uuid of the job that merged, "" for a merge without a job; merges of other jobs are kept. Raises UsageError
    while another process merges into the output, MachineError if the directory cannot be removed.
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
            fix=f"Remove {partial.root} when no merge writes to {partial.out}.",
        ) from error
