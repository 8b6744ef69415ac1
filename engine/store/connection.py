"""A connection to the store file: its locks, its SQLite open mode, its transactions, and its schema version."""

import errno
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Any

from engine.errors import MachineError, shown, system_reason
from engine.locks import HeldLock, acquire, has_locks, holder_text, removal_text
from engine.store.failures import cannot_open, read_only, translated
from engine.store.migrations import MIGRATION_SET, MIGRATIONS

_POLL_SECONDS = 0.02


def turn_file(store: Path) -> Path:
    """Path of the lock file next to the store, which exists while a process reads or writes the store."""
    return store.with_name(f"{store.name}-lock")


class Turn:
    """Exclusive access of one connection to a store whose file system has no locks."""

    def __init__(self, store: Path, busy_seconds: float) -> None:
        """busy_seconds: time to wait for the turn of another process."""
        self._store = store
        self._busy_seconds = busy_seconds
        self._lock: HeldLock | None = None

    def begin(self) -> None:
        """Begin a turn, or continue the current one. Raises MachineError if another process stays in the store."""
        give_up = time.monotonic() + self._busy_seconds
        while self._lock is None:
            self._lock = self._acquired()
            if self._lock is None and time.monotonic() >= give_up:
                raise self._taken()
            if self._lock is None:
                time.sleep(_POLL_SECONDS)

    def end(self) -> None:
        if self._lock is not None:
            self._lock.release()
        self._lock = None

    def _acquired(self) -> HeldLock | None:
        try:
            return acquire(turn_file(self._store))
        except OSError as error:
            raise read_only(self._store) from error

    def _taken(self) -> MachineError:
        file = turn_file(self._store)
        return MachineError(
            f"the store {self._store} is locked",
            why=holder_text(file),
            fix=f"Wait for it to finish, then try again. {removal_text(file)}".rstrip(),
        )


BUSY_SECONDS = 120.0
"""Default time to wait for the write of another process."""

_MIGRATIONS_TABLE = "_sqlite_migrations"  # kept by sqlite-utils


class Standing(Enum):
    """Schema version of a store, relative to this program."""

    EMPTY = "empty"
    """No tables: the store is new, or is being created by another process."""
    OLDER = "older"
    CURRENT = "current"


class StoreConnection(sqlite3.Connection):
    """A connection to one store."""

    path: Path
    turn: Turn | None = None
    """Exclusive access while this process reads or writes; None where the file system has locks."""

    def rows(self, sql: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a query. Raises MachineError for a store that is locked, damaged or unreadable."""
        with translated(self.path), alone(self):
            return self.execute(sql, parameters).fetchall()

    def close(self) -> None:
        super().close()
        if self.turn is not None:
            self.turn.end()

    def row(self, sql: str, parameters: tuple[Any, ...] = ()) -> tuple[Any, ...] | None:
        """Return the first row, or None if there are no rows."""
        return next(iter(self.rows(sql, parameters)), None)


def connect(path: Path, mode: str, busy_seconds: float = BUSY_SECONDS) -> StoreConnection:
    """Open the file in an SQLite URI mode: "ro", "ro&immutable=1", "rw", or "rwc", which creates it.

    On a file system without locks SQLite takes none, and processes take turns with a lock file next to the store.
    """
    with translated(path):
        connection = sqlite3.connect(uri_of(path, mode), uri=True, timeout=busy_seconds, factory=StoreConnection)
    connection.path = path
    if not has_locks(path.parent):
        connection.turn = Turn(path, busy_seconds)
    return connection


def uri_of(path: Path, mode: str) -> str:
    """URI of the file for SQLite; its VFS determines which locks SQLite takes."""
    return f"{path.absolute().as_uri()}?mode={mode}&vfs={'unix' if has_locks(path.parent) else 'unix-none'}"


@contextmanager
def alone(connection: StoreConnection) -> Iterator[None]:
    """Exclude other processes from a store without locks, until the block and its transaction have ended.

    Raises MachineError if another process stays in the store. Does nothing where SQLite has locks.
    """
    if connection.turn is None:
        yield
        return
    connection.turn.begin()
    try:
        yield
    finally:
        if not connection.in_transaction:
            connection.turn.end()


@contextmanager
def atomic(connection: StoreConnection) -> Iterator[None]:
    """Run the block in one transaction, or in the one that is already open.

    The write lock is taken first, so that what the block reads is still current when it writes. Raises MachineError for
    a store that stays locked, is read-only or damaged, and for a full disk.
    """
    if connection.in_transaction:
        yield
        return
    with translated(connection.path), alone(connection):
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.commit()
        except BaseException:
            connection.rollback()
            raise


def standing_of(connection: StoreConnection) -> Standing:
    """Return the schema version. Raises MachineError for a newer store, and for the database of another program."""
    tables = {name for (name,) in connection.rows("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables:
        return Standing.EMPTY
    applied = _applied(connection) if _MIGRATIONS_TABLE in tables else set()
    if not applied:
        raise _not_ours(connection.path)
    if unknown := applied - MIGRATIONS.keys():
        raise _newer(connection.path, unknown)
    return Standing.CURRENT if applied == MIGRATIONS.keys() else Standing.OLDER


def _applied(connection: StoreConnection) -> set[str]:
    names = connection.rows(f"SELECT name FROM {_MIGRATIONS_TABLE} WHERE migration_set = ?", (MIGRATION_SET,))
    return {name for (name,) in names}


def _not_ours(path: Path) -> MachineError:
    return MachineError(
        f"{path} is not a store",
        why="it is a database of another program",
        fix="Move it away, or set DLEC_HOME to another directory.",
    )


def _newer(path: Path, unknown: set[str]) -> MachineError:
    return MachineError(
        f"the store {path} is from a newer version of dlec",
        why=f"this version lacks the migration {', '.join(sorted(map(shown, unknown)))}",
        fix="Update dlec, or set DLEC_HOME to another directory. Nothing was changed.",
    )


def reading_mode(path: Path) -> str:
    """Return the SQLite URI mode for reading the store at `path`.

    With a write-ahead log even a reader creates files. Where it may not and there is no log, no process writes either;
    where the file system has no locks, no other process writes during our turn.
    """
    if path.is_dir():
        raise cannot_open(path, why=os.strerror(errno.EISDIR))
    if os.access(path.parent, os.W_OK) and has_locks(path.parent):
        return "ro"  # without a look at the file: closing it would drop the locks that this process has on it
    has_log = path.with_name(f"{path.name}-wal").exists()
    return "ro&immutable=1" if _keeps_log(path) and not has_log else "ro"


def keeps_log_without_locks(path: Path) -> bool:
    """Return True if the store has a write-ahead log on a file system on which SQLite cannot open one."""
    return not has_locks(path.parent) and _keeps_log(path)


def was_left_unfinished(error: BaseException) -> bool:
    """Return True if a store is unreadable because a write was interrupted, which only a writer can roll back."""
    return getattr(error.__cause__, "sqlite_errorcode", None) == sqlite3.SQLITE_READONLY_ROLLBACK


def _keeps_log(path: Path) -> bool:
    """Source: sqlite.org/fileformat.html, 1.3.3."""
    try:
        with path.open("rb") as file:
            return file.read(20)[18:] == b"\2\2"
    except OSError as error:
        raise cannot_open(path, why=system_reason(error)) from error
