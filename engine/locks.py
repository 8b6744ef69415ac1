"""Locks on files: one holder at a time, and none after its death.

The kernel's flock(2) does both. Some file systems refuse it (Lustre that is mounted without it, some FUSE): there the
lock is the file itself, which only one process can make, with who made it in it. On one host the kernel keeps a name
for it, and drops it with its process: so whoever finds the file of a dead process of this host replaces it safely. The
file of another host stays until somebody who knows that its process is gone removes it.
"""

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import re
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, TypeAlias

from engine.errors import shown

NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP)
"""What a file system answers that has no locks."""
BEAT_SECONDS = 30.0
"""Between two signs of life of a holder."""
QUIET_SECONDS = 3 * BEAT_SECONDS
"""Without a sign of life, after which a holder is not counted on any more."""

_HostName: TypeAlias = socket.socket | IO[bytes]

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_PROCESS_NAMESPACE = Path("/proc/self/ns/pid")
_STATISTICS = Path("/proc/stat")


@dataclass(frozen=True, slots=True)
class HostId:
    """Identity of a running system: process numbers and locks are meaningful within it alone."""

    name: str
    boot: str
    """Boot id and process namespace; "" where the system does not report them."""


def this_host() -> HostId:
    return HostId(socket.gethostname(), " ".join(filter(None, (_boot_id(), _process_namespace()))))


def system_start() -> datetime | None:
    """None where the system does not say. Source: proc(5), btime."""
    found = re.search(r"^btime (\d+)$", _STATISTICS.read_text(), re.MULTILINE) if _STATISTICS.exists() else None
    return datetime.fromtimestamp(int(found[1]), UTC) if found else None


def is_process(pid: int) -> bool:
    """Whether a process of this place has this number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


class HeldLock:
    """A lock that is ours."""

    def __init__(self, path: Path, descriptor: int, host_name: "_HostName | None" = None) -> None:
        """host_name: what keeps this host's processes apart where the file system has no locks."""
        self.path = path
        self.descriptor = descriptor
        self._host_name = host_name

    @property
    def is_file(self) -> bool:
        """Whether it is the file itself, for want of the kernel's locks."""
        return self._host_name is not None

    def touch(self) -> None:
        """A sign of life, also for those who tidy up /tmp."""
        os.utime(self.descriptor)

    def release(self) -> None:
        self.path.unlink(missing_ok=True)
        os.close(self.descriptor)
        if self._host_name is not None:
            self._host_name.close()


def acquire(path: Path) -> HeldLock | None:
    """The lock of this file, which is made; None while another process has it. Raises OSError."""
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
    """Asked with a shared lock, so that two who ask at once do not take each other for the holder. Raises OSError."""
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
    """ "process 4711 on node7 holds /out/lock", and where it is a file of another host, its last sign of life."""
    holder = _Holder.of(path)
    if holder is None:
        return f"another process holds {path}"
    text = f"process {holder.pid} on {shown(holder.host)} holds {path}"
    return f"{text}, with its last sign of life {_quiet_seconds(path):.0f} s ago" if _is_foreign_file(holder) else text


def removal_text(path: Path) -> str:
    """What else can be done about a lock that stays: "" where its holder's death ends it."""
    holder = _Holder.of(path)
    if holder is None or not _is_foreign_file(holder):
        return ""
    return f"This file system has no locks. If that process is gone, remove {path}."


@contextmanager
def beating(lock: HeldLock) -> Iterator[None]:
    """Give signs of life in the background, where other hosts look for them."""
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


_has_locks: dict[int, bool] = {}
"""For each file system that was tried, by its number."""


def has_locks(directory: Path) -> bool:
    """Whether record locks, which SQLite needs, work on the file system of this directory.

    True where it cannot be tried, since nothing can be made there. Asked once for each file system.
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


@dataclass(frozen=True)
class _Holder:
    """What stands in a lock's file about the process that has it."""

    pid: int
    host: str
    boot: str
    """As in HostId; "" where an older version wrote it."""
    started: str
    """When the process was started, as its system counts: another process of the same number is another one."""
    is_file: bool

    @staticmethod
    def of(path: Path) -> "_Holder | None":
        """None where nobody is named, as in the moment in which the file is made."""
        try:
            said: Mapping[str, Any] = json.loads(path.read_text())
            boot, started = str(said.get("boot", "")), str(said.get("started", ""))
            return _Holder(int(said["pid"]), str(said["host"]), boot, started, bool(said.get("is_file")))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    @property
    def lives(self) -> bool:
        """Asked where it belongs."""
        return is_process(self.pid) and self.started in ("", _start_of(self.pid))


def _opened(path: Path) -> tuple[int, bool]:
    """A descriptor of the file, and whether it was made. No child inherits it, nor keeps a dead process's lock."""
    while True:
        with contextlib.suppress(FileExistsError):
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644), True
        with contextlib.suppress(FileNotFoundError):
            return os.open(path, os.O_RDWR), False


def _held(path: Path, descriptor: int) -> HeldLock | None:
    """The lock that the kernel gave us, unless a host on which this file system has no locks has it as a file."""
    holder = _Holder.of(path)
    if holder is not None and holder.is_file and not _is_stale(path):
        os.close(descriptor)
        return None
    lock = HeldLock(path, descriptor)
    _sign(lock)
    return lock


def _acquire_as_file(path: Path) -> HeldLock | None:
    """Entered by one process of a host at a time."""
    name = _host_name(path)
    if name is None:
        return None
    try:
        descriptor = _made_anew(path)
        if descriptor is not None:
            lock = HeldLock(path, descriptor, name)
            _sign(lock)
            return lock
    except BaseException:
        name.close()
        raise
    name.close()
    return None


def _made_anew(path: Path) -> int | None:
    """A descriptor of the file, made by us alone; None while it belongs to somebody else."""
    if _is_stale(path):
        path.unlink(missing_ok=True)
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError:
        return None


def _host_name(path: Path) -> _HostName | None:
    """A name of this host for the lock, which the kernel takes back when we die; None while another process has it."""
    name = f"dlec-lock-{hashlib.sha256(os.fsencode(os.path.realpath(path))).hexdigest()[:40]}"
    return _socket_of(name) if sys.platform == "linux" else _temporary_file_of(name)


def _socket_of(name: str) -> _HostName | None:
    """Linux keeps names of sockets that are in no directory. Source: unix(7), abstract."""
    found = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        found.bind(f"\0{name}")
    except OSError as error:
        found.close()
        if error.errno == errno.EADDRINUSE:
            return None
        raise
    return found


def _temporary_file_of(name: str) -> _HostName | None:
    """The directory for temporary files is on a disk of the host, which has locks."""
    import tempfile

    found = Path(tempfile.gettempdir(), name).open("wb")  # noqa: SIM115 (it is held open)
    try:
        fcntl.flock(found, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        found.close()
        if isinstance(error, BlockingIOError):
            return None
        raise
    return found


def _is_stale(path: Path) -> bool:
    """Whether it is certain that nobody holds the lock as a file."""
    holder, host = _Holder.of(path), this_host()
    if holder is None or holder.host != host.name:
        return False
    if holder.boot in ("", host.boot):
        return not holder.lives
    return holder.boot.split()[0] != host.boot.split()[0] and _died_with_system(path)


def _died_with_system(path: Path) -> bool:
    """Whether this host was started anew since the last sign of life, and has run so long that another would have come.

    A machine of the same name that lives would have given one.
    """
    started_at = system_start()
    try:
        seen_at = path.stat().st_mtime
    except OSError:
        return False
    return started_at is not None and seen_at < started_at.timestamp() < time.time() - QUIET_SECONDS


def _is_foreign_file(holder: _Holder) -> bool:
    return holder.is_file and HostId(holder.host, holder.boot) != this_host()


def _sign(lock: HeldLock) -> None:
    host = this_host()
    who = {"pid": os.getpid(), "host": host.name, "boot": host.boot, "started": _start_of(os.getpid())}
    os.ftruncate(lock.descriptor, 0)
    os.pwrite(lock.descriptor, json.dumps({**who, "is_file": lock.is_file}).encode(), 0)


def _beat(lock: HeldLock, is_over: threading.Event) -> None:
    while not is_over.wait(BEAT_SECONDS):
        with contextlib.suppress(OSError):
            lock.touch()


def _quiet_seconds(path: Path) -> float:
    with contextlib.suppress(OSError):
        return max(0.0, time.time() - path.stat().st_mtime)
    return 0.0


def _start_of(pid: int) -> str:
    """Ticks from the system's start to the process's; "" where the system does not say. Source: proc(5), stat, 22."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def _is_still_at(path: Path, descriptor: int) -> bool:
    """False when the last holder removed the file between our opening and our locking it."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _boot_id() -> str:
    return _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else ""


def _process_namespace() -> str:
    """The same number of a process means another process in another container."""
    return str(_PROCESS_NAMESPACE.readlink()) if _PROCESS_NAMESPACE.exists() else ""
