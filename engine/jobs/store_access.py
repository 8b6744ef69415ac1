"""A worker's way to its store: opened anew after an error, since no connection outlives a disk that went away."""

import contextlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import MachineError
from engine.store.connection import StoreConnection
from engine.store.database import open_for_jobs, reopen_for_jobs

BUSY_SECONDS = 10.0
"""How long a worker waits for another process's write before it does something else, such as heeding a signal."""


class StoreAccess:
    """A context that ends with its connection closed."""

    def __init__(self, store: Path) -> None:
        """Makes a store that is absent. Raises MachineError, as `open_for_jobs` does."""
        self._store = store
        self._connection: StoreConnection | None = open_for_jobs(store, BUSY_SECONDS)

    def __enter__(self) -> "StoreAccess":
        return self

    def __exit__(self, *_error: object) -> None:
        self._close()

    @contextmanager
    def connection(self) -> Iterator[StoreConnection]:
        """Raises MachineError while the store cannot be used; the next call tries anew. Never makes another store."""
        if self._connection is None:
            self._connection = reopen_for_jobs(self._store, BUSY_SECONDS)
        try:
            yield self._connection
        except (MachineError, sqlite3.Error):
            self._close()
            raise

    def _close(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
        self._connection = None
