"""Checks of disk space: the home with store, logs and settings, the current directory, and the hub cache."""

import os
from pathlib import Path

from dlec_tui.doctor.result import Finding, fine, note, obstacle
from engine.checkpoint.hub import hub_cache
from engine.errors import shown
from engine.locks import has_locks
from engine.machine.disk import free_bytes, free_files
from engine.store.location import LOCAL_TYPES, file_system_type
from engine.units import byte_size, plural

LITTLE_FOR_A_STORE, LITTLE_FOR_A_MODEL = 1e9, 5e9
"""Warning limits in bytes: for a store with many profiles, and for a merged model of two billion parameters."""
_ELSEWHERE = "Use another directory: --home DIR, or\n  export DLEC_HOME=DIR"


def look_at_home(home: Path) -> Finding:
    if not _can_be_written(home):
        return obstacle(f"{shown(home)} cannot be written", _ELSEWHERE)
    return room_finding(home, free_bytes(home), free_files(home), LITTLE_FOR_A_STORE, _ELSEWHERE)


def _can_be_written(directory: Path) -> bool:
    """Whether the directory can be written, or created."""
    nearest = _nearest(directory)
    return nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)


def _nearest(directory: Path) -> Path:
    """The directory or its nearest existing parent. Path.exists raises for unsearchable parents."""
    return next(path for path in (directory, *directory.parents) if os.path.exists(path))  # noqa: PTH110


def look_here() -> Finding:
    directory = Path.cwd()
    return room_finding(
        directory,
        free_bytes(directory),
        free_files(directory),
        LITTLE_FOR_A_MODEL,
        "Write large models to a disk with more free space.",
    )


def look_at_hub_cache() -> Finding:
    cache = hub_cache()
    models = len(list(cache.glob("models--*")))
    return fine(f"{shown(cache)}, {plural(models, 'model') if models else 'empty'}")


def look_at_file_system(home: Path) -> Finding:
    return file_system_finding(file_system_type(home), gives_locks=has_locks(_nearest(home)))


def room_finding(directory: Path, free: int, files: int | None, little: float, fix: str) -> Finding:
    """free: bytes; files: free inodes, None without a limit; little: warning limit in bytes."""
    value = f"{shown(directory)}, {byte_size(free)} free"
    if files == 0:
        return note(f"{value}, but no free inodes", fix)
    return note(value, fix) if free < little else fine(value)


def file_system_finding(kind: str, *, gives_locks: bool = True) -> Finding:
    if not gives_locks:
        return note(
            f"{shown(kind) or 'unknown'}, without file locks: processes use a lock file next to the store. "
            "If a process on another host is killed, remove its lock file by hand",
            "Mount it with locks (Lustre: -o flock), or use another disk: --home DIR, or\n  export DLEC_HOME=DIR",
        )
    if kind in LOCAL_TYPES:
        return fine(f"{kind}, local disk")
    return note(
        f"{shown(kind) or 'unknown'}, treated as a network file system: slower writes "
        "(rollback journal), worker locks in /tmp",
        "A home on a local disk is faster: --home DIR, or\n  export DLEC_HOME=DIR",
    )
