"""Locks on files: at most one holder at a time, and none after the holder's death.

Part 1, locks of the kernel: flock(2), which the kernel releases when its process ends.

Part 2, lock files, for file systems that refuse flock(2) (Lustre mounted without it, some FUSE): the lock is the file
itself, created with O_EXCL, with its creator's identity as text. Within a host the kernel keeps a unique name for the
lock and drops it with its process, so that the file of a dead process of this host is replaced safely. The file of
another host stays until a user who knows that its process is gone removes it.
"""

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeAlias

from engine.errors import shown
from engine.hosts import HostId, is_process, start_of, system_start, this_host

NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP)
"""Error numbers of a file system without locks."""
BEAT_SECONDS = 30.0
"""Time between two heartbeats of a holder."""
QUIET_SECONDS = 3 * BEAT_SECONDS
"""Time without a heartbeat after which a holder is presumed dead."""

_HostName: TypeAlias = socket.socket | IO[bytes]


class HeldLock:
    """A lock that this process holds."""

    def __init__(self, path: Path, descriptor: int, host_name: "_HostName | None" = None) -> None:
        """host_name: the name that excludes other processes of this host, for a lock file."""
        self.path = path
        self.descriptor = descriptor
        self._host_name = host_name

    @property
    def is_file(self) -> bool:
        """Return True for a lock file, False for a lock of the kernel."""
        return self._host_name is not None

    def touch(self) -> None:
        """Give a heartbeat, which also keeps tools that clean /tmp away."""
        os.utime(self.descriptor)

    def release(self) -> None:
        self.path.unlink(missing_ok=True)
        os.close(self.descriptor)
        if self._host_name is not None:
            self._host_name.close()


def acquire(path: Path) -> HeldLock | None:
    """Acquire the lock at `path`, creating the file; return None while another process holds it. Raises OSError."""
    while True:
        descriptor, is_new = _opened(path)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        except OSError as error:
            os.close(descriptor)
            if error.errno not in NO_LOCKS:
                raise
            if is_new:
                path.unlink()
            return _acquire_as_file(path)
        if _is_still_at(path, descriptor):
            return _held(path, descriptor)
        os.close(descriptor)


def is_held(path: Path) -> bool:
    """Return True if a process holds the lock. Raises OSError.

    Tested with a shared lock, so that two concurrent tests do not take each other for the holder.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError as error:
        if error.errno in NO_LOCKS:
            return not _is_stale(path)
        raise
    finally:
        os.close(descriptor)
    return False


def holder_text(path: Path) -> str:
    """Describe the holder: "process 4711 on node7 holds /out/lock", with the last heartbeat of another host's file."""
    holder = _Holder.of(path)
    if holder is None:
        return f"another process holds {path}"
    text = f"process {holder.pid} on {shown(holder.host)} holds {path}"
    return f"{text}; its last heartbeat was {_quiet_seconds(path):.0f} s ago" if _is_foreign_file(holder) else text


def removal_text(path: Path) -> str:
    """Explain how to remove the lock by hand; "" where it ends with its holder."""
    holder = _Holder.of(path)
    if holder is None or not _is_foreign_file(holder):
        return ""
    return f"This file system has no locks. If that process is gone, remove {path}."


@contextmanager
def beating(lock: HeldLock) -> Iterator[None]:
    """Give heartbeats in the background for a lock file, so that other hosts see that its holder is alive."""
    if not lock.is_file:
        yield
        return
    is_over = threading.Event()
    beat = threading.Thread(target=_beat, args=(lock, is_over), daemon=True)
    beat.start()
    try:
        yield
    finally:
        is_over.set()
        beat.join()


def _beat(lock: HeldLock, is_over: threading.Event) -> None:
    while not is_over.wait(BEAT_SECONDS):
        with contextlib.suppress(OSError):
            lock.touch()


# Part 1: locks of the kernel.


def _opened(path: Path) -> tuple[int, bool]:
    """Open the file. Return its descriptor, which no child inherits, and True if the file was created."""
    while True:
        with contextlib.suppress(FileExistsError):
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644), True
        with contextlib.suppress(FileNotFoundError):
            return os.open(path, os.O_RDWR), False


def _is_still_at(path: Path, descriptor: int) -> bool:
    """Return False if the last holder removed the file between its opening and its locking here."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _held(path: Path, descriptor: int) -> HeldLock | None:
    """The lock, unless a host on which this file system has no locks holds it as a lock file."""
    holder = _Holder.of(path)
    if holder is not None and holder.is_file and not _is_stale(path):
        os.close(descriptor)
        return None
    lock = HeldLock(path, descriptor)
    with contextlib.suppress(OSError):  # such as a full disk: the kernel's lock holds without a text
        _sign(lock)
    return lock


_has_locks: dict[int, bool] = {}
"""Result for each file system that was tested, by device number."""


def has_locks(directory: Path) -> bool:
    """Return True if record locks, which SQLite needs, work on the file system of this directory.

    Also True where no file can be created for the test. Each file system is tested once.
    """
    try:
        device = directory.stat().st_dev
        if device not in _has_locks:
            _has_locks[device] = _takes_record_locks(directory)
    except OSError:
        return True
    return _has_locks[device]


def _takes_record_locks(directory: Path) -> bool:
    path = directory / f".dlec-{os.urandom(8).hex()}.tmp"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        path.unlink()
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in NO_LOCKS
    finally:
        os.close(descriptor)
    return True


# Part 2: lock files.


def _acquire_as_file(path: Path) -> HeldLock | None:
    name = _host_name(path)  # from here on, one process of this host at a time
    if name is None:
        return None
    lock = None
    try:
        descriptor = _created(path)
        lock = None if descriptor is None else HeldLock(path, descriptor, name)
        if lock is not None:
            _sign(lock)
            return lock
    except BaseException:
        if lock is not None:  # a file without a text would be a lock that never ends
            lock.release()
        name.close()
        raise
    name.close()
    return None


def _created(path: Path) -> int | None:
    """Create the file and return its descriptor; None while it belongs to another process."""
    if _is_stale(path):
        path.unlink(missing_ok=True)
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError:
        return None


def _host_name(path: Path) -> _HostName | None:
    """Claim a name on this host that the kernel drops with this process; None while another process has it."""
    name = f"dlec-lock-{hashlib.sha256(os.fsencode(os.path.realpath(path))).hexdigest()[:40]}"
    return _socket_of(name) if sys.platform == "linux" else _temporary_file_of(name)


def _socket_of(name: str) -> _HostName | None:
    """A socket in Linux's abstract namespace. Source: unix(7)."""
    claimed = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        claimed.bind(f"\0{name}")
    except OSError as error:
        claimed.close()
        if error.errno == errno.EADDRINUSE:
            return None
        raise
    return claimed


def _temporary_file_of(name: str) -> _HostName | None:
    """A locked file in the directory for temporary files, which is on a local disk."""
    import tempfile

    claimed = Path(tempfile.gettempdir(), name).open("wb")  # noqa: SIM115 (it is held open)
    try:
        fcntl.flock(claimed, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        claimed.close()
        if isinstance(error, BlockingIOError):
            return None
        raise
    return claimed


def _is_stale(path: Path) -> bool:
    """Return True if the lock file certainly has no living holder."""
    holder, host = _Holder.of(path), this_host()
    if holder is None or holder.host != host.name:
        return False
    if holder.boot in ("", host.boot):
        return not holder.lives
    return holder.boot.split()[0] != host.boot.split()[0] and _died_with_system(path)


def _died_with_system(path: Path) -> bool:
    """Return True if this host rebooted after the last heartbeat, more than a heartbeat's time ago.

    Another machine of the same name that is alive would have given a heartbeat since.
    """
    started_at = system_start()
    try:
        seen_at = path.stat().st_mtime
    except OSError:
        return False
    return started_at is not None and seen_at < started_at.timestamp() < time.time() - QUIET_SECONDS


def _quiet_seconds(path: Path) -> float:
    with contextlib.suppress(OSError):
        return max(0.0, time.time() - path.stat().st_mtime)
    return 0.0


# The holder, which both kinds of locks have as their text.


@dataclass(frozen=True)
class _Holder:
    """The text of a lock about the process that holds it."""

    pid: int
    host: str
    boot: str
    """HostId.boot; "" where an older version wrote the text."""
    started: str
    """Start time of the process in clock ticks, which distinguishes processes of the same number."""
    is_file: bool

    @staticmethod
    def of(path: Path) -> "_Holder | None":
        """Read the text; None where there is no valid one, as between the file's creation and its signing."""
        try:
            text: Mapping[str, Any] = json.loads(path.read_text())
            boot, started = str(text.get("boot", "")), str(text.get("started", ""))
            return _Holder(int(text["pid"]), str(text["host"]), boot, started, bool(text.get("is_file")))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    @property
    def lives(self) -> bool:
        """Return True if the process is alive, for a holder of this host."""
        return is_process(self.pid) and self.started in ("", start_of(self.pid))


def _is_foreign_file(holder: _Holder) -> bool:
    return holder.is_file and HostId(holder.host, holder.boot) != this_host()


def _sign(lock: HeldLock) -> None:
    host = this_host()
    holder = {"pid": os.getpid(), "host": host.name, "boot": host.boot, "started": start_of(os.getpid())}
    os.ftruncate(lock.descriptor, 0)
    os.pwrite(lock.descriptor, json.dumps({**holder, "is_file": lock.is_file}).encode(), 0)
