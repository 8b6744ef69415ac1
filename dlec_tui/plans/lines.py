"""Slices and problems of a plan as lines of text."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from dlec_tui.models.listing import name_of
from dlec_tui.terminal.glyphs import GLYPHS
from dlec_tui.wording import Span, elided
from engine.errors import escaped
from engine.plan.edits import SliceView
from engine.plan.problems import Problem, Severity

HEADER = f"{'':>3} {'layers':>8} {'new index':>9} {'count':>5}  {'scale':<7} model"
_BEFORE_MODEL = len(HEADER) - len("model")


@dataclass(frozen=True, slots=True)
class SliceRow:
    """One slice, and where it lands."""

    number: int
    """Counted from 0."""
    view: SliceView
    first: int
    """Its first layer's number in the new model."""

    @property
    def length(self) -> int:
        """Number of layers; 0 if unknown."""
        return length_of(self.view)


def length_of(view: SliceView) -> int:
    return max(0, view.end - view.start) if view.start is not None and view.end is not None else 0


def rows_of(slices: Sequence[SliceView]) -> list[SliceRow]:
    firsts = accumulate((length_of(view) for view in slices), initial=0)
    return [SliceRow(number, view, first) for number, (view, first) in enumerate(zip(slices, firsts, strict=False))]


def slice_line(row: SliceRow, width: int) -> list[Span]:
    view = row.view
    layers = "see text" if view.start is None else f"{view.start}:{view.end}"
    become = f"{row.first}:{row.first + row.length}" if row.length else "none"
    return [
        (f"{row.number + 1:>3} ", "dim"),
        (f"{layers:>8} ", ""),
        (f"{become:>9} ", "dim"),
        (f"{row.length:>5}  ", "dim"),
        (f"{scale_text(view):<7} ", "warn"),
        (elided(model_text(view), max(1, width - _BEFORE_MODEL)), ""),
    ]


def scale_text(view: SliceView) -> str:
    if view.has_other_scale:
        return "in text"
    if view.scale is None:
        return ""
    return "inert" if view.scale == 0 else f"x{view.scale:.4g}"


def model_text(view: SliceView) -> str:
    """The short name, and what else there is to know of how the slice is written."""
    names = ", ".join(escaped(name_of(model)) for model in view.models) or "no model"
    return f"{names} (alias of line {view.alias_of})" if view.alias_of is not None else names


def slice_at(slices: Sequence[SliceView], line: int) -> int | None:
    """Number of the slice on a line, counted from 1; None outside of slices."""
    return next((number for number, view in enumerate(slices) if view.first_line <= line <= view.last_line), None)


_VALUE = re.compile(
    r"""\[[^\]]*\]? | \{[^}]*\}? | "[^"]*"? | '[^']*'? | [^\s,\]}#:]+(?:[:#][^\s,\]}]+)* | \S""", re.VERBOSE
)
"""Value at the place of a problem: list, mapping, quoted text or word, to the end of the line at most."""


def underlined(line: str, column: int) -> tuple[int, int]:
    """Columns [start, end), from 0, of the value at a column, from 1; without a value the whole line."""
    match = _VALUE.match(line, column - 1)
    if match:
        return match.span()
    return len(line) - len(line.lstrip()), len(line)


def sign_of(problem: Problem) -> str:
    return {Severity.ERROR: GLYPHS.error, Severity.WARNING: GLYPHS.warning}.get(problem.severity, GLYPHS.dot)


def problem_text(problem: Problem) -> str:
    """One line: "error, line 5: ... Fix." """
    where = f", line {problem.place.line}" if problem.place else ""
    return f"{sign_of(problem)} {problem.severity}{where}: {escaped(problem.message)}"


_SHOWN = 40
"""Characters of a change."""


def fix_text(problem: Problem) -> str:
    """Effect of the fix key: "f: [6, 30]"; "" without an automatic fix."""
    if problem.change is None:
        return ""
    written = ", ".join(" ".join(each.text.split()) for each in problem.change.replacements)
    return f"f: {elided(escaped(written), _SHOWN) or 'remove'}"
