"""Processes take turns at a store on a file system that has no locks for SQLite."""

import time
from pathlib import Path

from engine.errors import MachineError
from engine.locks import HeldLock, acquire, holder_text, removal_text
from engine.store.failures import read_only

_POLL_SECONDS = 0.02


def turn_file(store: Path) -> Path:
    """The lock file beside the store: there while a process reads or writes it."""
    return store.with_name(f"{store.name}-lock")


class Turn:
    """One connection's turns."""

    def __init__(self, store: Path, busy_seconds: float) -> None:
        """busy_seconds: how long another process's turn is waited for."""
        self._store = store
        self._busy_seconds = busy_seconds
        self._lock: HeldLock | None = None

    def begin(self) -> None:
        """Goes on where one is taken already. Raises MachineError when another process stays in the store."""
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
            fix=f"Wait until it is done, then try again. {removal_text(file)}".rstrip(),
        )
