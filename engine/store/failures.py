"""What SQLite says, in our words: translated here and nowhere else."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from engine.errors import MachineError, shown
from engine.units import byte_size

Explain: TypeAlias = Callable[[Path], MachineError]
"""From the store's path to the message."""


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Raise MachineError where the store at `path` is locked, read-only, damaged or has no room."""
    try:
        yield
    except UnicodeDecodeError as error:  # in SQLite's own message, which quotes a damaged table
        raise damaged(path) from error
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK)
        if explain := _EXPLANATIONS.get(code) or _EXPLANATIONS.get(code & 0xFF):  # the byte above tells details
            raise explain(path) from error
        if isinstance(error, sqlite3.OperationalError):  # tables or text that are not what they were
            raise damaged(path, why=shown(error)) from error
        raise


def _locked(path: Path) -> MachineError:
    return MachineError(
        f"the store {path} is locked",
        why="another process has been writing to it all the while",
        fix="Wait until it is done, then try again. Nothing was changed.",
    )


def read_only(path: Path) -> MachineError:
    return MachineError(
        f"the store {path} cannot be written",
        why="the file, its directory or the disk is read-only",
        fix="Get permission to write there, or set DLEC_HOME to another directory.",
    )


def cannot_open(path: Path, why: str = "the file or its directory may not be read or made") -> MachineError:
    return MachineError(
        f"the store {path} cannot be opened",
        why=why,
        fix="Check the path and its permissions, or set DLEC_HOME to another directory.",
    )


def damaged(path: Path, why: str = "it is not a whole SQLite database") -> MachineError:
    return MachineError(
        f"the store {path} is damaged",
        why=why,
        fix=f"Move it away, and dlec begins a new one. What can be saved: sqlite3 '{path}' .recover",
    )


def _no_room(path: Path) -> MachineError:
    free = shutil.disk_usage(path.parent).free
    return MachineError(
        f"the disk is too full for the store {path}",
        why=f"{byte_size(free)} are free",
        fix="Make space, then try again. Nothing was changed.",
    )


def _unreadable(path: Path) -> MachineError:
    return MachineError(
        f"the store {path} cannot be read or written", why="the disk reports an error", fix="Check the disk."
    )


def _without_locks(path: Path) -> MachineError:
    return MachineError(
        f"the store {path} cannot be read or written",
        why="its file system gives no locks",
        fix="Set DLEC_HOME to a directory on another disk, or get permission to make files beside the store: then "
        "processes take turns.",
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
