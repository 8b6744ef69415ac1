"""Liveness of workers: each holds a lock as long as it is alive, and the kernel releases it however the worker ends.

A lock is valid on one host, so that the worker's row in the store names that host.
"""

import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path

from engine.errors import MachineError, machine_error
from engine.hosts import HostId, is_process, system_start
from engine.locks import HeldLock, acquire, is_held
from engine.store.location import is_local
from engine.store.workers import Worker


class Liveness(Enum):
    """State of a worker, as seen from this host."""

    ALIVE = "alive"
    DEAD = "dead"
    ELSEWHERE = "elsewhere"
    """Unknown: the worker is on another host or in another container."""


def locks_directory(store: Path) -> Path:
    """Return the directory for the workers' locks: next to the store, but never on a file system that hosts share.

    Creates it if it is missing. Raises MachineError if that fails, or if it belongs to another user.
    """
    try:
        directory = store.with_name("locks") if is_local(store) else _host_directory(store)
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise machine_error(f"{error.filename} cannot be created", error) from error
    return directory


@contextmanager
def held(path: Path) -> Iterator[HeldLock]:
    """Hold a lock in a new file, which is removed with it. Raises MachineError if it cannot be created."""
    try:
        lock = acquire(path)
    except OSError as error:
        raise machine_error(f"{path} cannot be created", error) from error
    if lock is None:
        raise MachineError(f"{path} cannot be created", why="another process holds it")
    try:
        yield lock
    finally:
        lock.release()


def liveness_of(worker: Worker, host: HostId) -> Liveness:
    """Return the state of a worker. host: the id of this host."""
    if HostId(worker.host, worker.boot) != host:
        return Liveness.DEAD if worker.host == host.name and _died_with_system(worker) else Liveness.ELSEWHERE
    try:
        is_alive = is_held(Path(worker.lock_file))
    except OSError:  # deleted, or owned by another user
        is_alive = is_process(worker.pid)
    return Liveness.ALIVE if is_alive else Liveness.DEAD


def _died_with_system(worker: Worker) -> bool:
    """Return True if this host has rebooted since the worker's last heartbeat.

    The lock must exist here: another host of the same name on a shared store keeps its locks elsewhere.
    """
    started_at = system_start()
    try:
        return started_at is not None and worker.heartbeat_at < started_at and not is_held(Path(worker.lock_file))
    except OSError:
        return False


def _host_directory(store: Path) -> Path:
    """Directory on this host for one store, in a directory that only this user can have created."""
    own = Path(tempfile.gettempdir(), f"dlec-{os.getuid()}")
    own.mkdir(mode=0o700, exist_ok=True)
    status = own.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        raise MachineError(
            f"{own} cannot hold the locks of workers",
            why="it belongs to another user",
            fix="Have it removed, or set TMPDIR to another local directory.",
        )
    return own / hashlib.sha256(os.fsencode(store.resolve())).hexdigest()[:16]
