"""Sessions of the workbenches that use one store: session.json for the first, session-2.json for the second.

A workbench holds a lock on its session, which the kernel releases however the process ends. So no workbench overwrites
the session of another, and unsaved plans of closed sessions are offered to all.
"""

import errno
import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from dlec_tui.plans.document import PlanDocument
from dlec_tui.session.state import SESSION_FILE, Session, read_from, read_session, save_to
from engine.errors import UsageError, shown
from engine.store.job_states import as_text, now

_MOST = 64
"""Workbenches on one store that have a session of their own; more of them share the last one."""
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
_HEARD_SECONDS = 60.0
"""Within which a lock file was touched, where the file system has no locks and its owner is on another machine."""
_RETRY_SECONDS = 0.02
"""Delay before a lock is tried again: another process may only have tested it."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Workbench that holds a session."""

    pid: int
    host: str
    since: str
    """A moment, as the store writes them."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A session that is ours."""

    file: Path
    descriptor: int | None
    """The held lock; None where none could be made, and for a read-only workbench."""

    def release(self) -> None:
        if self.descriptor is not None:
            with suppress(OSError):  # it was released before
                os.close(self.descriptor)


@dataclass(frozen=True, slots=True)
class Draft:
    """Unsaved plan in a session that is not open."""

    file: Path
    """The session file."""
    document: PlanDocument
    left_at: str

    @property
    def name(self) -> str:
        return self.document.path.name if self.document.path else "unnamed plan"


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Other open sessions, and drafts."""

    others: tuple[Owner, ...] = ()
    drafts: tuple[Draft, ...] = ()


def claim(store: Path) -> Slot:
    """Claim the first free session. Without a lock if none can be created: then the disk is not writable."""
    for number in range(1, _MOST):
        file = _session_file(store, number)
        try:
            descriptor = _locked(file)
        except OSError:
            return Slot(file, None)
        if descriptor is not None:
            return Slot(file, descriptor)
    return Slot(_session_file(store, _MOST), None)


def restored(store: Path, slot: Slot) -> Session:
    """Saved state of the session; a new session copies the first one without plan and batch list."""
    if slot.file.name == SESSION_FILE or slot.file.exists():
        return read_from(slot.file)
    first = read_session(store)
    panes = {area: pane for area, pane in first.panes.items() if area not in ("plan", "runs")}
    return replace(first, document=PlanDocument(), panes=panes, left_at=None)


def look_around(store: Path, own: Slot) -> Neighbours:
    """Open workbenches of the store, and unsaved plans of closed ones. Reads the disk."""
    if own.descriptor is not None:
        with suppress(OSError):
            os.utime(own.descriptor)
    others, drafts = list[Owner](), list[Draft]()
    for file in _sessions(store):
        if file == own.file:
            continue
        if (owner := _owner_of(file)) is not None and _is_held(file, owner):
            others.append(owner)
        elif draft := _draft_in(file):
            drafts.append(draft)
    return Neighbours(tuple(others), tuple(drafts))


def forget(draft: Draft) -> None:
    """Take the plan out of its session, once it is safe in another one. Raises UsageError where that is open now."""
    descriptor = _locked(draft.file)
    if descriptor is None:
        raise UsageError(f"{shown(draft.name)} is open in another workbench")
    try:
        save_to(draft.file, replace(read_from(draft.file), document=PlanDocument()))
    finally:
        os.close(descriptor)


def _session_file(store: Path, number: int) -> Path:
    name = SESSION_FILE if number == 1 else SESSION_FILE.replace(".", f"-{number}.")
    return store.with_name(name)


def _sessions(store: Path) -> Iterator[Path]:
    """Session files that have been in use at least once."""
    numbers = (_session_file(store, number) for number in range(1, _MOST))
    yield from (file for file in numbers if _lock_of(file).exists())


def _lock_of(file: Path) -> Path:
    return file.with_suffix(".lock")


def _locked(file: Path) -> int | None:
    """Descriptor of the lock with the owner written to it; None if it is held. Raises OSError."""
    lock = _lock_of(file)
    lock.parent.mkdir(parents=True, exist_ok=True)
    before = _owner_of(file)
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    if not _is_ours(descriptor, file, before):
        os.close(descriptor)
        return None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps(asdict(Owner(os.getpid(), socket.gethostname(), as_text(now())))).encode(), 0)
    return descriptor


def _is_ours(descriptor: int, file: Path, before: Owner | None) -> bool:
    for _ in range(2):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_RETRY_SECONDS)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            return before is None or not _seems_alive(file, before)
        else:
            return True
    return False


def _is_held(file: Path, owner: Owner) -> bool:
    """Whether a lock is held, tested with a shared lock so that two tests do not block each other."""
    try:
        descriptor = os.open(_lock_of(file), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # no locks here
        return _seems_alive(file, owner)
    finally:
        os.close(descriptor)
    return False


def _seems_alive(file: Path, owner: Owner) -> bool:
    """Without locks: by the process here, by when it was heard of elsewhere."""
    if owner.host != socket.gethostname():
        return time.time() - _lock_of(file).stat().st_mtime < _HEARD_SECONDS
    try:
        os.kill(owner.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return owner.pid != os.getpid()


def _owner_of(file: Path) -> Owner | None:
    """Owner in the lock file; None without one, or if it is unreadable."""
    try:
        data = json.loads(_lock_of(file).read_text())
        return Owner(int(data["pid"]), str(data["host"]), str(data["since"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _draft_in(file: Path) -> Draft | None:
    session = read_from(file)
    if not (session.document.is_changed and session.document.text.strip()):
        return None
    return Draft(file, session.document, as_text(session.left_at) if session.left_at else "")
