"""Opens the store: for reading with the standard library alone, for writing through sqlite-utils."""

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
    """The store at `path`; an absent one reads as an empty one. An older one is brought up to date first.

    Raises MachineError, with path and remedy, for a store that is locked, unreadable, damaged, not ours, or newer.
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
    """The store at `path`, made when it is absent and brought up to date when it is older.

    Raises MachineError, with path and remedy, for a store that stays locked for `busy_seconds`, and for one that is
    read-only, damaged, not ours, or newer; the file is then as it was.
    """
    from sqlite_utils import Database  # 0.1 s: it imports numpy

    return Database(open_for_jobs(path, busy_seconds), execute_plugins=False)


def open_for_jobs(path: Path, busy_seconds: float = BUSY_SECONDS) -> StoreConnection:
    """As `open_for_writing`, but with the standard library alone once the store is up to date."""
    _make_directory(path)
    return _opened(path, "rwc", busy_seconds)


def reopen_for_jobs(path: Path, busy_seconds: float = BUSY_SECONDS) -> StoreConnection:
    """As `open_for_jobs`, for a store that was there before: none is made in its place while its disk is away."""
    if not _exists(path):
        raise cannot_open(path, why="it is not there any more")
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
    """The connection under a store opened for writing: what the find functions read through."""
    return cast("StoreConnection", db.conn)


@contextmanager
def transaction(db: "Database") -> Iterator[None]:
    """`atomic` for a store opened for writing."""
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
        raise cannot_open(path, why=f"{path.parent} cannot be made: {system_reason(error)}") from error


def _require_writable(path: Path) -> None:
    """Asked at once, and not only after an hour of measuring."""
    if not os.access(path.parent, os.W_OK) or (_exists(path) and not os.access(path, os.W_OK)):
        raise read_only(path)


def _empty_store(path: Path) -> StoreConnection:
    connection = sqlite3.connect(":memory:", factory=StoreConnection)
    connection.path = path
    for sql in MIGRATIONS.values():
        connection.executescript(sql)
    return connection


def _choose_journal(connection: StoreConnection, busy_seconds: float) -> None:
    """SQLite does not wait by itself while another process changes the mode."""
    wanted = "wal" if is_local(connection.path) and connection.turn is None else "delete"
    give_up = time.monotonic() + busy_seconds
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != wanted:
        try:
            connection.execute(f"PRAGMA journal_mode = {wanted}")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
                raise
            time.sleep(_RETRY_SECONDS)


def _leave_log(connection: StoreConnection) -> None:
    """Let the store have no write-ahead log, which SQLite opens with locks alone, or for one connection at a time."""
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.execute("PRAGMA locking_mode = NORMAL")


def _migrate(connection: StoreConnection) -> None:
    from sqlite_utils import Database

    with atomic(connection):
        if standing_of(connection) is not Standing.CURRENT:
            migrations().apply(Database(connection, execute_plugins=False))
