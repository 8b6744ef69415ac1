"""What is wrong with the plan, each with its arithmetic and what to do."""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList

from dlec_tui.plans.fixes import fix_text
from dlec_tui.plans.problem_places import problem_text
from engine.errors import escaped
from engine.plan.problems import Problem, Severity

MOST_SHOWN = 40
"""Who has more mends the first ones first."""
_STYLES = {Severity.ERROR: "$error", Severity.WARNING: "$warning", Severity.NOTE: ""}


class ProblemList(OptionList):
    """The cursor is on one of them; stepping through them goes round."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", "down", show=False, id="problems.down"),
        Binding("k", "cursor_up", "up", show=False, id="problems.up"),
    ]
    DEFAULT_CSS = """
    ProblemList { height: auto; max-height: 6; border: none; padding: 0; background: transparent;
        scrollbar-size-vertical: 1; overflow-x: hidden; }
    ProblemList:focus { border: none; background: transparent; background-tint: transparent; }
    ProblemList > .option-list--option { padding: 0; }
    ProblemList > .option-list--option-highlighted { text-style: none; background: $panel; }
    .-high ProblemList { max-height: 10; }
    """
    SCOPED_CSS = False

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, markup=False, compact=True)
        self._problems: tuple[Problem, ...] = ()

    def show(self, problems: Sequence[Problem]) -> None:
        """The cursor stays on its place."""
        if tuple(problems) == self._problems:
            return
        at = self.highlighted or 0
        self._problems = tuple(problems)
        more = len(problems) - MOST_SHOWN
        shown = [*map(_content, problems[:MOST_SHOWN])]
        self.set_options([*shown, *([Content(f"and {more} more")] if more > 0 else [])])
        if shown:
            self.highlighted = min(at, len(shown) - 1)

    @property
    def problems(self) -> tuple[Problem, ...]:
        return self._problems

    @property
    def current(self) -> Problem | None:
        """The problem under the cursor."""
        at = self.highlighted
        return self._problems[at] if at is not None and at < len(self._problems) else None

    def step(self) -> None:
        """To the next one."""
        if self._problems:
            at = self.highlighted
            self.highlighted = 0 if at is None else (at + 1) % min(len(self._problems), MOST_SHOWN)


def _content(problem: Problem) -> Content:
    text = Content.styled(problem_text(problem), _STYLES[problem.severity])
    fix = Content.styled(fix_text(problem), "bold")
    return Content("  ").join(filter(None, (text, Content(escaped(problem.fix)), fix)))
