"""Lists of the slices and the problems of a plan."""

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.strip import Strip

from dlec_tui.plans.lines import HEADER, SliceRow, fix_text, problem_text, slice_line
from dlec_tui.plans.plan_status import counts_text
from dlec_tui.terminal.glyphs import GLYPHS
from dlec_tui.widgets.line_list import LineList
from dlec_tui.widgets.option_list import Options
from dlec_tui.wording import Span, clipped
from engine.errors import escaped
from engine.plan.problems import Problem, Severity

NOTHING = """\
No slices.

N   new plan from a recipe
a   add a slice
o   open a plan file
v   edit the text"""


class SliceList(LineList[SliceRow], inherit_bindings=False):
    """Slices; the cursor keeps its position. Home goes to the first line."""

    BINDINGS: ClassVar[list[BindingType]] = [
        replace(binding, key="home") if isinstance(binding, Binding) and binding.id == "lines.first" else binding
        for binding in LineList.BINDINGS
    ]

    def key_of(self, item: SliceRow) -> int:
        return item.number

    def line_of(self, item: SliceRow) -> list[Span]:
        return slice_line(item, self.width)

    def header(self) -> str:
        return HEADER[: self.width]

    def placeholder(self) -> str:
        return NOTHING


MOST_SHOWN = 40
"""Maximum number of problems in the list."""
_STYLES = {Severity.ERROR: "$error", Severity.WARNING: "$warning", Severity.NOTE: ""}


class ProblemList(Options):
    """Problems; stepping wraps around."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", "down", show=False, id="problems.down"),
        Binding("k", "cursor_up", "up", show=False, id="problems.up"),
    ]
    DEFAULT_CSS = """
    ProblemList { height: 1fr; }
    ProblemList > .problems--error { color: $error; }
    ProblemList > .problems--warning { color: $warning; }
    ProblemList > .problems--note { color: $foreground; }
    ProblemList > .problems--none { color: $text-muted; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"problems--{name}" for name in (*map(str, Severity), "none")}
    SCOPED_CSS = False

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, markup=False, compact=True)
        self.can_focus = False
        self._problems: tuple[Problem, ...] = ()

    def show(self, problems: Sequence[Problem]) -> None:
        """Show these problems; the cursor keeps its position."""
        if tuple(problems) == self._problems:
            return
        self.can_focus = bool(problems)
        at = self.highlighted or 0
        self._problems = tuple(problems)
        more = len(problems) - MOST_SHOWN
        shown = [*map(_problem_content, problems[:MOST_SHOWN])]
        self.set_options([*shown, *([Content(f"and {more} more")] if more > 0 else [])])
        if shown:
            self.highlighted = min(at, len(shown) - 1)

    @property
    def problems(self) -> tuple[Problem, ...]:
        return self._problems

    @property
    def current(self) -> Problem | None:
        """Selected problem."""
        at = self.highlighted
        return self._problems[at] if at is not None and at < len(self._problems) else None

    def render_line(self, y: int) -> Strip:
        """Draw the list; in one line, the counts and the selected problem."""
        if self.size.height > 1:
            return super().render_line(y)
        width = self.scrollable_content_region.width
        style = self.get_component_rich_style(f"problems--{self.current.severity if self.current else 'none'}")
        return Strip([Segment(clipped(self._in_one_line(), width), style)]).adjust_cell_length(width, style)

    def _in_one_line(self) -> str:
        if self.current is None:
            return "no problems"
        counted = [counts_text(self._problems)] if len(self._problems) > 1 else []
        return f" {GLYPHS.dot} ".join([*counted, problem_text(self.current)])

    def step(self) -> None:
        """Select the next problem."""
        if self._problems:
            at = self.highlighted
            self.highlighted = 0 if at is None else (at + 1) % min(len(self._problems), MOST_SHOWN)


def _problem_content(problem: Problem) -> Content:
    text = Content.styled(problem_text(problem), _STYLES[problem.severity])
    fix = Content.styled(fix_text(problem), "bold")
    return Content("\n  ").join(filter(None, (text, Content(escaped(problem.fix)), fix)))
