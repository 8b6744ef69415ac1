"""Which workers live: each holds a lock for as long as it does, and the kernel drops it however the worker ends.

A lock says nothing about another machine, so a worker's row names the place that its lock is good for.
"""

import fcntl
import hashlib
import os
import re
import socket
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path

from engine.errors import MachineError
from engine.store.file_system import is_local
from engine.store.workers import Worker

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_PROCESS_NAMESPACE = Path("/proc/self/ns/pid")
_STATISTICS = Path("/proc/stat")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a process number and a lock mean something."""

    host: str
    boot: str
    """Which start of the system, and which of its namespaces of processes; "" where the system does not say."""


@dataclass(frozen=True, slots=True)
class HeldLock:
    """A lock that is ours."""

    path: Path
    descriptor: int

    def touch(self) -> None:
        """Make it look used to those who tidy up /tmp."""
        os.utime(self.descriptor)


class Fate(Enum):
    """What can be said of a worker from here."""

    ALIVE = "alive"
    DEAD = "dead"
    ELSEWHERE = "elsewhere"
    """It belongs to another machine or container: nobody here can tell."""


def here() -> Place:
    return Place(socket.gethostname(), " ".join(filter(None, (_boot_id(), _process_namespace()))))


def locks_directory(store: Path) -> Path:
    """Where the workers of `store` keep their locks: beside it, but never on a file system that hosts share.

    Made when it is absent. Raises MachineError where it cannot be, or belongs to somebody else.
    """
    try:
        directory = store.with_name("locks") if is_local(store) else _host_directory(store)
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise MachineError(f"{error.filename} cannot be made", why=error.strerror or str(error)) from error
    return directory


@contextmanager
def held(path: Path) -> Iterator[HeldLock]:
    """Hold a lock in a new file, which goes with it. Raises MachineError where it cannot be made."""
    try:
        # Python opens files so that no child inherits them: a child must not keep a dead worker's lock.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise MachineError(f"{path} cannot be made", why=error.strerror or str(error)) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield HeldLock(path, descriptor)
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def fate(worker: Worker, place: Place) -> Fate:
    """Whether a worker lives, as far as that can be told at `place`, which is here."""
    if Place(worker.host, worker.boot) != place:
        return Fate.DEAD if worker.host == place.host and _died_with_system(worker) else Fate.ELSEWHERE
    try:
        is_alive = _is_held(Path(worker.lock))
    except OSError:  # tidied away, or another user's
        is_alive = _is_process(worker.pid)
    return Fate.ALIVE if is_alive else Fate.DEAD


def _died_with_system(worker: Worker) -> bool:
    """Whether this machine was started anew since the worker was seen last.

    Its lock is still here: on a shared store, a machine of the same name would have it in a place of its own.
    """
    started_at = _system_start()
    try:
        return started_at is not None and worker.seen_at < started_at and not _is_held(Path(worker.lock))
    except OSError:
        return False


def _system_start() -> datetime | None:
    """None where the system does not say. Source: proc(5), btime."""
    found = re.search(r"^btime (\d+)$", _STATISTICS.read_text(), re.MULTILINE) if _STATISTICS.exists() else None
    return datetime.fromtimestamp(int(found[1]), UTC) if found else None


def _is_held(path: Path) -> bool:
    """Asked with a shared lock, so that two who ask at once do not take each other for the holder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _is_process(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


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


def _boot_id() -> str:
    return _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else ""


def _process_namespace() -> str:
    """The same number of a process means another process in another container."""
    return str(_PROCESS_NAMESPACE.readlink()) if _PROCESS_NAMESPACE.exists() else ""
