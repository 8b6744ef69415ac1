"""How a store can be opened for reading, wherever it lies."""

import errno
import os
import sqlite3
from pathlib import Path

from engine.errors import system_reason
from engine.locks import has_locks
from engine.store.failures import cannot_open


def reading_mode(path: Path) -> str:
    """The SQLite URI mode to read the store at `path` in.

    With a write-ahead log even a reader makes files. Where it may not, and there is no log, nobody writes either; where
    the file system has no locks, nobody writes in our turn.
    """
    if path.is_dir():
        raise cannot_open(path, why=os.strerror(errno.EISDIR))
    if os.access(path.parent, os.W_OK) and has_locks(path.parent):
        return "ro"  # without a look at the file: closing it would drop the locks that this process has on it
    has_log = path.with_name(f"{path.name}-wal").exists()
    return "ro&immutable=1" if _keeps_log(path) and not has_log else "ro"


def keeps_log_without_locks(path: Path) -> bool:
    """Whether a store with a write-ahead log lies where SQLite cannot open one."""
    return not has_locks(path.parent) and _keeps_log(path)


def was_left_unfinished(error: BaseException) -> bool:
    """Whether a store cannot be read because a process was ended while it wrote: only a writer can undo that."""
    return getattr(error.__cause__, "sqlite_errorcode", None) == sqlite3.SQLITE_READONLY_ROLLBACK


def _keeps_log(path: Path) -> bool:
    """Source: sqlite.org/fileformat.html, 1.3.3."""
    try:
        with path.open("rb") as file:
            return file.read(20)[18:] == b"\2\2"
    except OSError as error:
        raise cannot_open(path, why=system_reason(error)) from error
