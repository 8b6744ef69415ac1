"""The schema's migrations in the form that sqlite-utils applies and records."""

from typing import TYPE_CHECKING

from engine.store.schema import MIGRATION_SET, MIGRATIONS

if TYPE_CHECKING:
    from sqlite_utils import Database, Migrations


def migrations() -> "Migrations":
    """Applied inside one transaction, all that are pending happen or none."""
    from sqlite_utils import Migrations  # late: it imports numpy

    found = Migrations(MIGRATION_SET)
    for name, sql in MIGRATIONS.items():
        found(name=name)(_Script(name, sql))
    return found


class _Script:
    """A migration that runs SQL."""

    def __init__(self, name: str, sql: str) -> None:
        self.__name__ = name
        self._sql = sql

    def __call__(self, db: "Database", /) -> None:
        db.executescript(self._sql)
