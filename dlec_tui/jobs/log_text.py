"""A log as it can be shown: what libraries print is made for terminals, and must not reach one as it is."""

from collections.abc import Iterator
from typing import BinaryIO

import click

from engine.errors import escaped


def shown_line(raw: bytes) -> str:
    """One line: colours left out, of what overwrites itself only the last state, other control characters escaped."""
    states = raw.decode(errors="replace").rstrip("\r\n").split("\r")
    return escaped(click.unstyle(states[-1]).expandtabs())


class GrowingLog:
    """A log that is read while it is written."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._unfinished = b""

    def new_lines(self) -> Iterator[str]:
        """Those that have been finished since they were asked for last."""
        for raw in self._file:
            self._unfinished += raw
            if raw.endswith(b"\n"):
                yield shown_line(self._unfinished)
                self._unfinished = b""

    def last_line(self) -> str:
        """What stands behind the last line break; "" when nothing does."""
        return shown_line(self._unfinished)
