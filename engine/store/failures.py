"""Translation of SQLite's errors into MachineErrors, in this module alone."""

import shlex
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from engine.errors import MachineError, shown
from engine.units import byte_size

Explain: TypeAlias = Callable[[Path], MachineError]
"""Function from the store's path to the error."""


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Translate the errors of a store that is locked, read-only, damaged or out of disk space."""
    try:
        yield
    except UnicodeDecodeError as error:  # in SQLite's own message, which quotes a damaged table
        raise damaged(path) from error
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK)
        if explain := _EXPLANATIONS.get(code) or _EXPLANATIONS.get(code & 0xFF):  # the upper byte holds details
            raise explain(path) from error
        if isinstance(error, sqlite3.OperationalError):  # tables or text that are not what they were
            raise damaged(path, why=shown(error)) from error
        raise


def _locked(path: Path) -> MachineError:
    return MachineError(
        f"the store {path} is locked",
        why="another process is writing to it",
        fix="Wait for it to finish, then try again. Nothing was changed.",
    )


def read_only(path: Path) -> MachineError:
    return MachineError(
        f"the store {path} cannot be written",
        why="the file, its directory or the disk is read-only",
        fix="Get permission to write there, or set DLEC_HOME to another directory.",
    )


def cannot_open(path: Path, why: str = "the file or its directory cannot be read or created") -> MachineError:
    return MachineError(
        f"the store {path} cannot be opened",
        why=why,
        fix="Check the path and its permissions, or set DLEC_HOME to another directory.",
    )


def damaged(path: Path, why: str = "it is not a complete SQLite database") -> MachineError:
    return MachineError(
        f"the store {path} is damaged",
        why=why,
        fix=f"Move it away to start with a new store. To recover data: sqlite3 {shlex.quote(str(path))} .recover",
    )


def _no_room(path: Path) -> MachineError:
    free = shutil.disk_usage(path.parent).free
    return MachineError(
        f"the disk is too full for the store {path}",
        why=f"{byte_size(free)} are free",
        fix="Free disk space, then try again. Nothing was changed.",
    )


def _unreadable(path: Path) -> MachineError:
    return MachineError(
        f"the store {path} cannot be read or written", why="the disk reports an error", fix="Check the disk."
    )


def _without_locks(path: Path) -> MachineError:
    return MachineError(
        f"the store {path} cannot be read or written",
        why="its file system does not support locks",
        fix="Set DLEC_HOME to a directory on another disk, or get permission to create files next to the store, so "
        "that processes can take turns.",
    )


_EXPLANATIONS: Mapping[int, Explain] = {
    sqlite3.SQLITE_BUSY: _locked,
    sqlite3.SQLITE_LOCKED: _locked,
    sqlite3.SQLITE_PROTOCOL: _locked,
    sqlite3.SQLITE_READONLY: read_only,
    sqlite3.SQLITE_PERM: read_only,
    sqlite3.SQLITE_CANTOPEN: cannot_open,
    sqlite3.SQLITE_CORRUPT: damaged,
    sqlite3.SQLITE_NOTADB: damaged,
    sqlite3.SQLITE_FULL: _no_room,
    sqlite3.SQLITE_IOERR: _unreadable,
    sqlite3.SQLITE_IOERR_LOCK: _without_locks,
    sqlite3.SQLITE_IOERR_RDLOCK: _without_locks,
    sqlite3.SQLITE_IOERR_UNLOCK: _without_locks,
    sqlite3.SQLITE_IOERR_CHECKRESERVEDLOCK: _without_locks,
}
