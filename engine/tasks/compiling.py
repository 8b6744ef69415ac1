"""Plans that arrive as text: compiled, or refused with what is wrong with them."""

from collections.abc import Callable, Iterable

from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import PlanError, shown
from engine.plan.check import check_plan
from engine.plan.problems import Problem, Severity
from engine.plan.rules import UNKNOWN, Circumstances
from engine.plan.stack import Stack

_MOST_NAMED = 3


def compiled(
    plan_text: str, open_checkpoint: Callable[[str], Checkpoint], circumstances: Circumstances = UNKNOWN
) -> Stack:
    """Return the stack of a plan. Raises PlanError with the reasons when it cannot be run."""
    checked = check_plan(plan_text, open_checkpoint, circumstances)
    if checked.stack is None or not checked.ok:
        raise _refused([problem for problem in checked.problems if problem.severity is Severity.ERROR])
    return checked.stack


def _refused(errors: list[Problem]) -> PlanError:
    fixes = [problem.fix for problem in errors if problem.fix]
    return PlanError(
        "the plan cannot be run",
        why=_some(map(_as_text, errors[:_MOST_NAMED]), len(errors) - _MOST_NAMED),
        fix=fixes[0] if fixes else "See what is wrong with it: dlec plan check PLAN",
    )


def _as_text(problem: Problem) -> str:
    place = f"line {problem.place.line}: " if problem.place else ""
    return f"{place}{shown(problem.message)}"


def _some(texts: Iterable[str], more: int) -> str:
    return "; ".join([*texts, *([f"and {more} more"] if more > 0 else [])])
