"""Keeps the traceback of an unexpected error in a file, so that the terminal gets one line."""

import os
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import platformdirs


def kept(text: str, home: Path | None) -> Path | None:
    """The file that `text` was written to; None when none can be written.

    home: the directory of the store, where one is known.
    """
    name = f"crash-{datetime.now():%Y%m%d-%H%M%S}-{os.getpid()}.log"
    for directory in _directories(home):
        try:
            directory.mkdir(parents=True, exist_ok=True)
            _write_private(directory / name, text)
        except OSError:
            continue
        return directory / name
    return None


def _directories(home: Path | None) -> Iterator[Path]:
    """The logs of a store that exists, the user's cache, the directory for temporary files."""
    if home is not None and home.is_dir():
        yield home / "logs"
    yield platformdirs.user_cache_path("dlec", appauthor=False)
    yield Path(tempfile.gettempdir())


def _write_private(file: Path, text: str) -> None:
    """A traceback may repeat prompts and paths. Raises FileExistsError rather than follow somebody's link."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as opened:
        opened.write(text)
