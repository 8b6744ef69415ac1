"""The directory in which a merge grows, and its lock: a hidden sibling of the output, found again by the next run.

.NAME.dlec-partial/
    model/      the checkpoint; renamed to NAME when it is whole
    journal     operations done
    lock        held while a merge runs
    owner       the job that started it; empty for a merge without a job
    record      the publication in progress, until its cleanup is complete
    replaced/   the former NAME, if names cannot be exchanged atomically
"""

import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engine.errors import UsageError
from engine.locks import HeldLock, acquire, beating, holder_text, removal_text


@dataclass(frozen=True, slots=True)
class Partial:
    """The names of one merge."""

    out: Path
    """The final name, links resolved."""
    job: str = ""
    """The uuid of the job that merges; "" for a merge that no job does."""

    @property
    def root(self) -> Path:
        return self.out.with_name(f".{self.out.name}.dlec-partial")

    @property
    def model(self) -> Path:
        return self.root / "model"

    @property
    def journal(self) -> Path:
        return self.root / "journal"

    @property
    def lock(self) -> Path:
        return self.root / "lock"

    @property
    def owner(self) -> Path:
        return self.root / "owner"

    @property
    def record(self) -> Path:
        return self.root / "record"

    @property
    def replaced(self) -> Path:
        return self.root / "replaced"


def partial_of(out: Path, job: str = "") -> Partial:
    """The partial directory of an output; the output may be a link."""
    return Partial(Path(os.path.realpath(out)), job)


def clear(partial: Partial) -> None:
    """Remove everything but the lock.

    The journal is removed first, so that it never refers to shards that are gone; the record last, so that the next
    run repeats an interrupted cleanup.
    """
    partial.journal.unlink(missing_ok=True)
    keep_only(partial.root, {partial.lock.name, partial.record.name})
    partial.record.unlink(missing_ok=True)


def begin(partial: Partial) -> None:
    """Remove the remains of other merges and record the owner. A job that resumes another's merge does not own it."""
    clear(partial)
    partial.owner.write_text(partial.job)


def is_owned_by_another(partial: Partial) -> bool:
    """Return True if another job, or no job, started the merge; False if no owner is recorded, as in older versions."""
    try:
        return partial.owner.read_text() != partial.job
    except FileNotFoundError:
        return False


def keep_only(directory: Path, names: set[str]) -> None:
    """Remove everything else from `directory`: an earlier run may have left other files."""
    for path in directory.iterdir():
        if path.name in names:
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


POLL_SECONDS = 0.1
"""Interval between attempts to acquire a lock that another process holds."""


@contextmanager
def locked(partial: Partial, patience: float = 0) -> Iterator[None]:
    """Hold the lock of an output. Raises UsageError with its holder if another process has it; or OSError.

    patience: seconds to wait for the other process. Creates the partial directory, and removes it again if it is empty
    afterwards.
    """
    lock = _awaited(partial, patience)
    try:
        with beating(lock):
            yield
    finally:
        lock.release()
        with contextlib.suppress(OSError):
            partial.root.rmdir()


def _awaited(partial: Partial, patience: float) -> HeldLock:
    give_up = time.monotonic() + patience
    while (lock := _acquired(partial)) is None:
        if time.monotonic() >= give_up:
            raise _taken(partial)
        time.sleep(POLL_SECONDS)
    return lock


def _acquired(partial: Partial) -> HeldLock | None:
    """None while another process has it. The last holder may remove the directory before the lock is created."""
    while True:
        partial.root.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            return acquire(partial.lock)


def _taken(partial: Partial) -> UsageError:
    fix = f"Wait until it is done, or choose another output. {removal_text(partial.lock)}".rstrip()
    return UsageError(f"{partial.out} is being merged already", why=holder_text(partial.lock), fix=fix)
