"""Lines of a text as YAML counts them, and splices: replacements of parts of a text."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import NamedTuple

from engine.plan.model import Position

_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
"""Line breaks of libyaml."""
BYTE_ORDER_MARK = "\ufeff"


class Splice(NamedTuple):
    """Replacement of the characters [start, end) by `text`."""

    start: int
    end: int
    text: str


def spliced(text: str, splices: Iterable[Splice], start: int = 0, end: int | None = None) -> str:
    """Return `text[start:end]` with the splices inside it applied. Splices may touch but not overlap."""
    end = len(text) if end is None else end
    pieces, at = [], start
    for splice in sorted(splices, key=lambda splice: (splice.start, splice.end)):
        if start <= splice.start and splice.end <= end:
            pieces += [text[at : splice.start], splice.text]
            at = splice.end
    return "".join([*pieces, text[at:end]])


class Lines:
    """Start and end offsets of the lines of a text. Lines are counted from 0."""

    def __init__(self, text: str) -> None:
        self._text = text

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *map(re.Match.end, _BREAK.finditer(self._text))]

    @cached_property
    def _ends(self) -> list[int]:
        return [*map(re.Match.start, _BREAK.finditer(self._text)), len(self._text)]

    def __len__(self) -> int:
        return len(self._starts)

    def at(self, offset: int) -> int:
        """Return the line that contains `offset`."""
        return bisect_right(self._starts, offset) - 1

    def start(self, line: int) -> int:
        return self._starts[line]

    def end(self, line: int) -> int:
        """Return the offset of the line break."""
        return self._ends[line]

    def column(self, offset: int) -> int:
        """Return the number of characters before `offset` on its line."""
        return offset - self._starts[self.at(offset)]

    def end_after(self, offset: int) -> int:
        """Return the end of the line that contains `offset`."""
        return self._ends[self.at(offset)]

    def line_break(self, line: int) -> str:
        """Return the break at the end of a line; else the first break of the text; else a line feed."""
        for candidate in (line, 0):
            if candidate + 1 < len(self):
                return self._text[self._ends[candidate] : self._starts[candidate + 1]]
        return "\n"

    def content(self, line: int) -> str:
        return self._text[self._starts[line] : self._ends[line]]

    def contents(self) -> Iterator[str]:
        return (self.content(line) for line in range(len(self)))

    def position(self, offset: int) -> Position:
        """Return line and column of an offset, counted from 1. A byte order mark is not counted."""
        line = self.at(offset)
        return Position(line + 1, offset - self._starts[line] + 1 - self._mark_before(line))

    def offset(self, position: Position) -> int | None:
        """Return the offset of a position; None if the text has no such position."""
        line = position.line - 1
        if not 0 <= line < len(self):
            return None
        offset = self._starts[line] + position.column - 1 + self._mark_before(line)
        return offset if self._starts[line] <= offset <= self._ends[line] and position.column >= 1 else None

    def _mark_before(self, line: int) -> int:
        return 1 if line == 0 and self._text.startswith(BYTE_ORDER_MARK) else 0
