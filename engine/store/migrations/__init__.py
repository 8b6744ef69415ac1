"""The tables, as numbered migrations in plain SQL, one file each; sqlite-utils applies and records them.

A released migration is never edited: add another. Column names are for people with sqlite3 or Datasette. Block
(start_layer, end_layer) is layers start_layer to end_layer - 1. NULL is a number that is not finite.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database, Migrations

MIGRATION_SET = "dlec"
"""Name of our migrations in sqlite-utils' table of migrations."""

MIGRATIONS: Mapping[str, str] = {
    file.stem: file.read_text(encoding="utf-8") for file in sorted(Path(__file__).parent.glob("*.sql"))
}
"""Name and SQL, in order."""


def migrations() -> "Migrations":
    """The migrations as sqlite-utils takes them. Inside one transaction all pending ones are applied or none."""
    from sqlite_utils import Migrations  # late: it imports numpy

    registry = Migrations(MIGRATION_SET)
    for name, sql in MIGRATIONS.items():
        registry(name=name)(_Script(name, sql))
    return registry


class _Script:
    """A migration that runs SQL."""

    def __init__(self, name: str, sql: str) -> None:
        self.__name__ = name
        self._sql = sql

    def __call__(self, db: "Database", /) -> None:
        db.executescript(self._sql)
