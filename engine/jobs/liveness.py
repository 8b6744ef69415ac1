"""Which workers live: each holds a lock for as long as it does, and the kernel drops it however the worker ends.

A lock says nothing about another machine, so a worker's row names the place that its lock is good for.
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
from engine.locks import HeldLock, HostId, acquire, is_held, is_process, system_start
from engine.store.location import is_local
from engine.store.workers import Worker


class Liveness(Enum):
    """What can be said of a worker from here."""

    ALIVE = "alive"
    DEAD = "dead"
    ELSEWHERE = "elsewhere"
    """It belongs to another machine or container: nobody here can tell."""


def locks_directory(store: Path) -> Path:
    """Where the workers of `store` keep their locks: beside it, but never on a file system that hosts share.

    Made when it is absent. Raises MachineError where it cannot be, or belongs to somebody else.
    """
    try:
        directory = store.with_name("locks") if is_local(store) else _host_directory(store)
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise machine_error(f"{error.filename} cannot be made", error) from error
    return directory


@contextmanager
def held(path: Path) -> Iterator[HeldLock]:
    """Hold a lock in a new file, which goes with it. Raises MachineError where it cannot be made."""
    try:
        lock = acquire(path)
    except OSError as error:
        raise machine_error(f"{path} cannot be made", error) from error
    if lock is None:
        raise MachineError(f"{path} cannot be made", why="another process holds it")
    try:
        yield lock
    finally:
        lock.release()


def liveness_of(worker: Worker, host: HostId) -> Liveness:
    """Whether a worker lives, as far as this host, `host`, can tell."""
    if HostId(worker.host, worker.boot) != host:
        return Liveness.DEAD if worker.host == host.name and _died_with_system(worker) else Liveness.ELSEWHERE
    try:
        is_alive = is_held(Path(worker.lock_file))
    except OSError:  # tidied away, or another user's
        is_alive = is_process(worker.pid)
    return Liveness.ALIVE if is_alive else Liveness.DEAD


def _died_with_system(worker: Worker) -> bool:
    """Whether this machine was started anew since the worker was seen last.

    Its lock is still here: on a shared store, a machine of the same name would have it in a place of its own.
    """
    started_at = system_start()
    try:
        return started_at is not None and worker.heartbeat_at < started_at and not is_held(Path(worker.lock_file))
    except OSError:
        return False


def _host_directory(store: Path) -> Path:
    """A directory of this host for one store, below one that only this user can have made."""
    own = Path(tempfile.gettempdir(), f"dlec-{os.getuid()}")
    own.mkdir(mode=0o700, exist_ok=True)
    status = own.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        raise MachineError(
            f"{own} cannot hold the locks of workers",
            why="it belongs to another user",
            fix="Have it removed, or set TMPDIR to another directory of this machine.",
        )
    return own / hashlib.sha256(os.fsencode(store.resolve())).hexdigest()[:16]
