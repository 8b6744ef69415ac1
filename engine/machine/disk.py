"""Free space of disks."""

import os
from pathlib import Path


def free_bytes(directory: Path) -> int:
    """Bytes that an ordinary user may write there; the nearest existing parent decides."""
    status = os.statvfs(_nearest(directory))
    return status.f_bavail * status.f_frsize


def free_files(directory: Path) -> int | None:
    """Number of files that an ordinary user may create there; None on file systems without such a limit."""
    status = os.statvfs(_nearest(directory))
    return status.f_favail if status.f_files else None


def _nearest(directory: Path) -> Path:
    """`directory` or the closest directory above it that exists: none is made before it is known to fit."""
    return next(path for path in (directory, *directory.parents) if _exists(path))


def _exists(path: Path) -> bool:
    return os.path.exists(path)  # noqa: PTH110 (Path.exists raises where a directory above may not be searched)
