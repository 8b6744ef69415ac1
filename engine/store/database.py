"""Opening the store: for reading with only the standard library, for writing through sqlite-utils."""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

from engine.errors import system_reason
from engine.store.connection import (
    BUSY_SECONDS,
    Standing,
    StoreConnection,
    alone,
    atomic,
    connect,
    keeps_log_without_locks,
    reading_mode,
    standing_of,
    was_left_unfinished,
)
from engine.store.failures import cannot_open, read_only, translated
from engine.store.location import is_local
from engine.store.migrations import MIGRATIONS, migrations

if TYPE_CHECKING:
    from sqlite_utils import Database

_RETRY_SECONDS = 0.05


def open_for_reading(path: Path) -> StoreConnection:
    """Open the store at `path` for reading; a missing one reads as empty, and an older one is migrated first.

    Raises MachineError for a store that is locked, unreadable, damaged, of another program, or newer.
    """
    if not _exists(path):
        return _empty_store(path)
    if keeps_log_without_locks(path):
        open_for_jobs(path).close()  # which leaves the log
    connection = connect(path, reading_mode(path))
    try:
        standing = standing_of(connection)
    except BaseException as error:
        connection.close()
        if not was_left_unfinished(error):
            raise
        open_for_jobs(path).close()  # which undoes it
        return open_for_reading(path)
    if standing is Standing.CURRENT:
        return connection
    connection.close()
    if standing is Standing.EMPTY:
        return _empty_store(path)
    open_for_writing(path).close()
    return connect(path, reading_mode(path))


def open_for_writing(path: Path, busy_seconds: float = BUSY_SECONDS) -> "Database":
    """Open the store at `path` for writing; a missing one is created, and an older one is migrated.

    Raises MachineError for a store that stays locked for `busy_seconds`, and for one that is read-only, damaged, of
    another program, or newer; the file is then unchanged.
    """
    from sqlite_utils import Database  # 0.1 s: it imports numpy

    return Database(open_for_jobs(path, busy_seconds), execute_plugins=False)


def open_for_jobs(path: Path, busy_seconds: float = BUSY_SECONDS) -> StoreConnection:
    """Open the store like `open_for_writing`, but without sqlite-utils once the store is up to date."""
    _make_directory(path)
    return _opened(path, "rwc", busy_seconds)


def reopen_for_jobs(path: Path, busy_seconds: float = BUSY_SECONDS) -> StoreConnection:
    """Open an existing store like `open_for_jobs`. A missing one, whose disk may be away, is never created."""
    if not _exists(path):
        raise cannot_open(path, why="it no longer exists")
    return _opened(path, "rw", busy_seconds)


def _opened(path: Path, mode: str, busy_seconds: float) -> StoreConnection:
    """Open for reading and writing in an SQLite URI mode, and bring the store up to date."""
    _require_writable(path)
    connection = connect(path, mode, busy_seconds)
    try:
        with translated(path), alone(connection):
            if connection.turn is not None:
                _leave_log(connection)
            standing = standing_of(connection)
            _choose_journal(connection, busy_seconds)
            if standing is not Standing.CURRENT:
                _migrate(connection)
            connection.execute("PRAGMA foreign_keys = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def connection_of(db: "Database") -> StoreConnection:
    """Return the connection of a store opened for writing, for the functions that read."""
    return cast("StoreConnection", db.conn)


@contextmanager
def transaction(db: "Database") -> Iterator[None]:
    """Run the block as `atomic` does, for a store opened for writing."""
    with atomic(connection_of(db)):
        yield


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:
        raise cannot_open(path, why=system_reason(error)) from error


def _make_directory(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_open(path, why=f"{path.parent} cannot be created: {system_reason(error)}") from error


def _require_writable(path: Path) -> None:
    """Raises MachineError now instead of after an hour of measuring."""
    if not os.access(path.parent, os.W_OK) or (_exists(path) and not os.access(path, os.W_OK)):
        raise read_only(path)


def _empty_store(path: Path) -> StoreConnection:
    connection = sqlite3.connect(":memory:", factory=StoreConnection)
    connection.path = path
    for sql in MIGRATIONS.values():
        connection.executescript(sql)
    return connection


def _choose_journal(connection: StoreConnection, busy_seconds: float) -> None:
    """Set the journal mode; SQLite does not wait while another process changes it."""
    mode = "wal" if is_local(connection.path) and connection.turn is None else "delete"
    give_up = time.monotonic() + busy_seconds
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != mode:
        try:
            connection.execute(f"PRAGMA journal_mode = {mode}")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
                raise
            time.sleep(_RETRY_SECONDS)


def _leave_log(connection: StoreConnection) -> None:
    """Turn the write-ahead log off, which SQLite opens only with locks, or for one connection at a time."""
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.execute("PRAGMA locking_mode = NORMAL")


def _migrate(connection: StoreConnection) -> None:
    from sqlite_utils import Database

    with atomic(connection):
        if standing_of(connection) is not Standing.CURRENT:
            migrations().apply(Database(connection, execute_plugins=False))
