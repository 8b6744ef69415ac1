"""A worker's access to its store: reconnects after an error, and when another file has taken the store's place."""

import contextlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import MachineError
from engine.store.connection import StoreConnection
from engine.store.database import open_for_jobs, reopen_for_jobs

BUSY_SECONDS = 10.0
"""Time to wait for another process's write; after it the worker handles signals, then tries again."""


class StoreAccess:
    """A context that closes its connection on exit."""

    def __init__(self, store: Path) -> None:
        """Open the store, which is created when it is absent. Raises MachineError, as `open_for_jobs` does."""
        self._store = store
        self._connection: StoreConnection | None = open_for_jobs(store, BUSY_SECONDS)
        self._file = _file_at(store)

    def __enter__(self) -> "StoreAccess":
        return self

    def __exit__(self, *_error: object) -> None:
        self._close()

    @contextmanager
    def connection(self) -> Iterator[StoreConnection]:
        """Yield a connection to the store that is at its path now; a missing store is never created.

        Raises MachineError while the store cannot be used, and once when another file has taken its place.
        """
        try:
            yield self._current()
        except (MachineError, sqlite3.Error):
            self._close()
            raise

    def _current(self) -> StoreConnection:
        file = _file_at(self._store)
        if self._connection is not None and file != self._file:  # SQLite goes on with a file that was deleted
            self._close()
            if file is not None:
                raise MachineError(f"the store {self._store} was replaced", why="another file is at its path now")
        if self._connection is None:
            self._connection = reopen_for_jobs(self._store, BUSY_SECONDS)
            self._file = _file_at(self._store)
        return self._connection

    def _close(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
        self._connection = None


def _file_at(path: Path) -> tuple[int, int] | None:
    """Device and inode of the file; None for a file that is missing or on a disk that is away."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
