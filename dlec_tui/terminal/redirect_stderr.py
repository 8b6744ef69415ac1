"""Redirection of file descriptor 2 to a log, so that libraries and child processes do not write over the screen.

The screen is drawn through sys.__stderr__, a duplicate of the terminal. Redirect before Textual starts.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_STDERR = 2
SCREEN_LOG = "screen.log"
MOST_BYTES = 1_000_000
"""Size from which the log is truncated when a screen opens."""


@contextmanager
def diverted(log: Path) -> Iterator[None]:
    """Descriptor 2 is `log` meanwhile; nothing at all where it cannot be written."""
    terminal = os.dup(_STDERR)
    drawn_on, sys.__stderr__ = sys.__stderr__, os.fdopen(terminal, "w", encoding="utf-8", errors="replace")  # type: ignore[misc]
    _point_stderr_at(_opened(log))
    try:
        yield
    finally:
        os.dup2(terminal, _STDERR)
        drawn_on, sys.__stderr__ = sys.__stderr__, drawn_on  # type: ignore[misc]
        with suppress(OSError):  # the terminal may be gone, and something still unwritten
            drawn_on.close()


@contextmanager
def undiverted() -> Iterator[None]:
    """Descriptor 2 is the terminal meanwhile: for an editor."""
    if sys.__stderr__ is None:
        yield
        return
    log = os.dup(_STDERR)
    os.dup2(sys.__stderr__.fileno(), _STDERR)
    try:
        yield
    finally:
        _point_stderr_at(log)


def append(log: Path, text: str) -> None:
    """Append `text` to the log if possible."""
    with suppress(OSError):
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)


def _point_stderr_at(descriptor: int) -> None:
    os.dup2(descriptor, _STDERR)
    os.close(descriptor)


def _opened(log: Path) -> int:
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        if os.fstat(descriptor).st_size > MOST_BYTES:
            os.ftruncate(descriptor, 0)
    except OSError:
        return os.open(os.devnull, os.O_WRONLY)
    return descriptor
