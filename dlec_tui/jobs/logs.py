"""Logs of jobs: control characters escaped, read from the end or as they grow."""

from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import click

from engine.errors import escaped


def shown_line(raw: bytes) -> str:
    """One line without colours; of overwritten text only the last state; control characters escaped."""
    states = raw.decode(errors="replace").rstrip("\r\n").split("\r")
    return escaped(click.unstyle(states[-1]).expandtabs())


class GrowingLog:
    """Log that is read while it grows."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._unfinished = b""

    def new_lines(self) -> Iterator[str]:
        """Lines completed since the last call."""
        for raw in self._file:
            self._unfinished += raw
            if raw.endswith(b"\n"):
                yield shown_line(self._unfinished)
                self._unfinished = b""

    def last_line(self) -> str:
        """Text after the last line break."""
        return shown_line(self._unfinished)


MOST_LINES = 500
MOST_BYTES = 256_000
"""Maximum number of bytes per read; earlier text is skipped."""


class LogTail:
    """End of one log, which may not exist yet. For one thread at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_bytes = 0
        self._unfinished = b""
        self._lines: deque[str] = deque(maxlen=MOST_LINES)

    def lines(self) -> tuple[str, ...]:
        """Current last lines. Raises OSError for an unreadable log."""
        *whole, self._unfinished = (self._unfinished + self._new_bytes()).split(b"\n")
        self._lines.extend(map(shown_line, whole[-MOST_LINES:]))
        last = shown_line(self._unfinished)
        return (*self._lines, last) if last else tuple(self._lines)

    def _new_bytes(self) -> bytes:
        try:
            with self._path.open("rb") as file:
                begin = max(self._read_bytes, self._path.stat().st_size - MOST_BYTES)
                file.seek(begin)
                if begin > self._read_bytes:
                    self._unfinished = b""
                    file.readline()  # the rest of a line that began before
                new = file.read()
                self._read_bytes = file.tell()
                return new
        except FileNotFoundError:
            return b""
