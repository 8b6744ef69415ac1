"""Apply the fixes of problems to a plan's text. Everything else keeps its bytes."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from engine.checkpoint.checkpoint import Checkpoint
from engine.plan.check import CheckedPlan, check_plan
from engine.plan.model import Position
from engine.plan.problems import Change, Problem, Replacement
from engine.plan.rules import UNKNOWN, CheckContext

MAX_ROUNDS = 10
"""Maximum number of rounds: a fix can reveal another problem."""


class FixedPlan(NamedTuple):
    """A plan after its safe fixes, checked again."""

    checked: CheckedPlan
    fixed: tuple[Problem, ...]
    """Fixed problems, in order."""


def apply_fixes(text: str, open_checkpoint: Callable[[str], Checkpoint], context: CheckContext = UNKNOWN) -> FixedPlan:
    """Apply safe fixes until none is left. Never raises DlecError."""
    fixed: list[Problem] = []
    checked = check_plan(text, open_checkpoint, context)
    for _ in range(MAX_ROUNDS):
        safe = [problem for problem in checked.problems if problem.change and problem.change.is_safe]
        now = _apart(safe)
        if not now:
            break
        fixed += now
        changed = applied(checked.text, [problem.change for problem in now if problem.change])
        checked = check_plan(changed, open_checkpoint, context)
    return FixedPlan(checked, tuple(fixed))


def applied(text: str, changes: Iterable[Change]) -> str:
    """Return the text with all changes, which must not overlap. Raises PlanError for positions outside the text."""
    from engine.plan.edits import replace_span  # late: most checks edit nothing

    replacements = [replacement for change in changes for replacement in change.replacements]
    for replacement in sorted(replacements, key=_start, reverse=True):  # from the end, so that positions stay valid
        text = replace_span(text, replacement.span.start, replacement.span.end, replacement.text).text
    return text


def _apart(problems: Iterable[Problem]) -> list[Problem]:
    """Return the problems whose fixes do not touch each other; the others follow in the next round."""
    chosen: list[Problem] = []
    taken: list[Replacement] = []
    for problem in problems:
        replacements = problem.change.replacements if problem.change else ()
        if not any(_touch(one, other) for one in replacements for other in taken):
            chosen.append(problem)
            taken += replacements
    return chosen


def _touch(one: Replacement, other: Replacement) -> bool:
    return _start(one) <= _position(other.span.end) and _start(other) <= _position(one.span.end)


def _start(replacement: Replacement) -> tuple[int, int]:
    return _position(replacement.span.start)


def _position(place: Position) -> tuple[int, int]:
    return place.line, place.column
