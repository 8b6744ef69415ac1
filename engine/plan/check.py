"""Checks a plan: its text, then every rule, from headers alone."""

from collections.abc import Callable
from dataclasses import dataclass

from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import DlecError
from engine.plan.model import Place, Plan
from engine.plan.problems import Problem, Severity, has_errors
from engine.plan.rules import RULES_OF_THE_PLAN, RULES_OF_THE_STACK, Facts
from engine.plan.stack import Stack
from engine.plan.syntax import parse


@dataclass(frozen=True)
class CheckedPlan:
    """A plan's text and everything found out about it."""

    text: str
    stack: Stack | None
    """None when an error stands in the way of compiling it."""
    problems: tuple[Problem, ...]
    """In the order of their places; those of the whole plan first."""

    @property
    def ok(self) -> bool:
        """True when it can be run."""
        return not has_errors(self.problems)


def check_plan(text: str, open_checkpoint: Callable[[str], Checkpoint]) -> CheckedPlan:
    """Parse `text`, open the checkpoints it names with `open_checkpoint`, ask every rule. Never raises DlecError."""
    parsed = parse(text)
    if parsed.plan is None:
        return CheckedPlan(text, None, _sorted(parsed.problems))
    checkpoints, unopened = _open_all(parsed.plan, open_checkpoint)
    problems = [*parsed.problems, *unopened]
    facts = Facts(parsed.plan, checkpoints)
    if not has_errors(problems):
        problems += [problem for rule in RULES_OF_THE_PLAN for problem in rule(facts)]
    if has_errors(problems):
        return CheckedPlan(text, None, _sorted(problems))
    problems += [problem for rule in RULES_OF_THE_STACK for problem in rule(facts)]
    return CheckedPlan(text, facts.stack, _sorted(problems))


def _open_all(plan: Plan, open_checkpoint: Callable[[str], Checkpoint]) -> tuple[dict[str, Checkpoint], list[Problem]]:
    checkpoints, problems = {}, []
    for reference in plan.models:
        try:
            checkpoints[reference] = open_checkpoint(reference)
        except DlecError as error:
            problems.append(Problem("checkpoint", Severity.ERROR, error.line, _place_of(plan, reference), error.fix))
    return checkpoints, problems


def _place_of(plan: Plan, reference: str) -> Place:
    places = [slice_.model_place for slice_ in plan.slices if slice_.model == reference]
    return places[0] if places else plan.base_model_place


def _sorted(problems: list[Problem] | tuple[Problem, ...]) -> tuple[Problem, ...]:
    def by_place(problem: Problem) -> tuple[int, int]:
        return (problem.place.line, problem.place.column) if problem.place else (0, 0)

    return tuple(sorted(problems, key=by_place))
