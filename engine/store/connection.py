"""A connection that knows its file, and which version of the store it finds there."""

import sqlite3
from enum import Enum
from pathlib import Path
from typing import Any

from engine.errors import MachineError, shown
from engine.store.failures import translated
from engine.store.schema import MIGRATION_SET, MIGRATIONS

BUSY_SECONDS = 30.0
"""How long a process waits for another one's write before it gives up."""

_MIGRATIONS_TABLE = "_sqlite_migrations"  # kept by sqlite-utils


class Standing(Enum):
    """How the tables of a file relate to the ones that we know."""

    EMPTY = "empty"
    """No table at all: new, or being made at this moment."""
    OLDER = "older"
    CURRENT = "current"


class StoreConnection(sqlite3.Connection):
    """A connection to one store."""

    path: Path

    def rows(self, sql: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """All rows that a query gives. Raises MachineError where the store is locked, damaged or unreadable."""
        with translated(self.path):
            return self.execute(sql, parameters).fetchall()

    def row(self, sql: str, parameters: tuple[Any, ...] = ()) -> tuple[Any, ...] | None:
        """The first row, None when there is none."""
        return next(iter(self.rows(sql, parameters)), None)


def connect(path: Path, mode: str, busy_seconds: float = BUSY_SECONDS) -> StoreConnection:
    """Open the file in an SQLite URI mode: "ro", "ro&immutable=1", or "rwc", which makes it."""
    with translated(path):
        uri = f"{path.absolute().as_uri()}?mode={mode}"
        connection = sqlite3.connect(uri, uri=True, timeout=busy_seconds, factory=StoreConnection)
    connection.path = path
    return connection


def standing_of(connection: StoreConnection) -> Standing:
    """Raises MachineError for a store of a newer version, and for a database that is not ours."""
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
    found = connection.rows(f"SELECT name FROM {_MIGRATIONS_TABLE} WHERE migration_set = ?", (MIGRATION_SET,))
    return {name for (name,) in found}


def _not_ours(path: Path) -> MachineError:
    return MachineError(
        f"{path} is not a store",
        why="it is a database of some other program",
        fix="Move it away, or set DLEC_HOME to another directory.",
    )


def _newer(path: Path, unknown: set[str]) -> MachineError:
    return MachineError(
        f"the store {path} is from a newer version of dlec",
        why=f"this one does not know its {', '.join(sorted(map(shown, unknown)))}",
        fix="Update dlec, or set DLEC_HOME to another directory. Nothing was changed.",
    )
