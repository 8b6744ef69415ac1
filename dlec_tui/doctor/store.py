"""Check of the store. It is read only: the next command migrates an older one."""

import os
from contextlib import closing
from pathlib import Path

from dlec_tui.doctor.result import Finding, fine, note, obstacle
from engine.errors import MachineError, shown
from engine.store.connection import Standing, connect, standing_of
from engine.store.migrations import MIGRATIONS
from engine.units import byte_size

_BUSY_SECONDS = 2.0


def look(path: Path) -> Finding:
    if not path.exists():
        return fine("none yet; the first measurement creates it")
    try:
        standing = _standing(path)
    except MachineError as error:
        return obstacle(f"{shown(error.what)}: {shown(error.why)}", shown(error.fix))
    value = f"{shown(path.name)}, {byte_size(path.stat().st_size)}, {_VERSION[standing]}"
    if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
        return fine(value)
    return note(f"{value}; read-only", "To measure, get write permission, or use another --home.")


def _standing(path: Path) -> Standing:
    """Standing of the store. Without write access, SQLite cannot open a write-ahead log even for reading."""
    mode = "ro" if os.access(path.parent, os.W_OK) else "ro&immutable=1"
    with closing(connect(path, mode, _BUSY_SECONDS)) as connection:
        return standing_of(connection)


_VERSION = {
    Standing.CURRENT: f"version {len(MIGRATIONS)}, up to date",
    Standing.OLDER: f"older than version {len(MIGRATIONS)}; the next command migrates it",
    Standing.EMPTY: "empty",
}
