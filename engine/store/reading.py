"""How a store can be opened for reading, wherever it lies."""

import os
import sqlite3
from pathlib import Path

from engine.store.failures import cannot_open


def reading_mode(path: Path) -> str:
    """The SQLite URI mode to read the store at `path` in.

    With a write-ahead log even a reader makes files. Where it may not, and there is no log, nobody writes either.
    """
    may_make_files = os.access(path.parent, os.W_OK)
    keeps_log, has_log = _keeps_log(path), path.with_name(f"{path.name}-wal").exists()
    return "ro&immutable=1" if keeps_log and not has_log and not may_make_files else "ro"


def was_left_unfinished(error: BaseException) -> bool:
    """Whether a store cannot be read because a process was ended while it wrote: only a writer can undo that."""
    return getattr(error.__cause__, "sqlite_errorcode", None) == sqlite3.SQLITE_READONLY_ROLLBACK


def _keeps_log(path: Path) -> bool:
    """Source: sqlite.org/fileformat.html, 1.3.3."""
    try:
        with path.open("rb") as file:
            return file.read(20)[18:] == b"\2\2"
    except OSError as error:
        raise cannot_open(path, why=error.strerror or str(error)) from error
