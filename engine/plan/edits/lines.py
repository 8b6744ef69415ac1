"""The lines of a text as YAML counts them, and splices: replacing stretches of text and nothing else."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
"""What libyaml takes for the end of a line."""


@dataclass(frozen=True, slots=True)
class Splice:
    """`text` in place of what stands at [start, end)."""

    start: int
    end: int
    text: str


def spliced(text: str, splices: Iterable[Splice], start: int = 0, end: int | None = None) -> str:
    """What stands at [start, end) of `text`, with those splices made that lie inside. They may touch, not overlap."""
    end = len(text) if end is None else end
    pieces, at = [], start
    for splice in sorted(splices, key=lambda splice: (splice.start, splice.end)):
        if start <= splice.start and splice.end <= end:
            pieces += [text[at : splice.start], splice.text]
            at = splice.end
    return "".join([*pieces, text[at:end]])


class Lines:
    """Where the lines of a text begin and end. Lines are counted from 0 here."""

    def __init__(self, text: str) -> None:
        breaks = [(found.start(), found.end()) for found in _BREAK.finditer(text)]
        self._text = text
        self._starts = [0, *(end for _, end in breaks)]
        self._ends = [*(start for start, _ in breaks), len(text)]

    def __len__(self) -> int:
        return len(self._starts)

    def at(self, offset: int) -> int:
        """The line that holds the character at `offset`."""
        return bisect_right(self._starts, offset) - 1

    def start(self, line: int) -> int:
        return self._starts[line]

    def end(self, line: int) -> int:
        """Before its line break."""
        return self._ends[line]

    def column(self, offset: int) -> int:
        """How many characters stand before it on its line."""
        return offset - self._starts[self.at(offset)]

    def end_after(self, offset: int) -> int:
        """The end of the line that holds `offset`."""
        return self._ends[self.at(offset)]

    def line_break(self, line: int) -> str:
        """The break that ends a line; where none does, the text's first one, else a line feed."""
        for candidate in (line, 0):
            if candidate + 1 < len(self):
                return self._text[self._ends[candidate] : self._starts[candidate + 1]]
        return "\n"

    def content(self, line: int) -> str:
        return self._text[self._starts[line] : self._ends[line]]

    def contents(self) -> Iterator[str]:
        """Of all lines in turn."""
        return (self.content(line) for line in range(len(self)))
