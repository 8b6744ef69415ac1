"""Check a plan: its text, then every rule. Apply the fixes of problems. Reads headers, never weights."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import DlecError, PlanError, shown
from engine.plan import comments, tokenizer
from engine.plan.model import Plan, Position
from engine.plan.problems import Change, Problem, Replacement, Severity, has_errors
from engine.plan.resolve import resolve
from engine.plan.rules import PLAN_RULES, STACK_RULES, UNKNOWN, CheckContext, Facts, enabled
from engine.plan.stack import Stack
from engine.plan.syntax import parse

MAX_NAMED = 3
"""Maximum number of errors in the message of `require_stack`."""


@dataclass(frozen=True)
class CheckedPlan:
    """A plan's text, its stack and its problems."""

    text: str
    stack: Stack | None
    """None if an error prevents compilation."""
    problems: tuple[Problem, ...]
    """Problems in text order; those of the whole plan first."""

    @property
    def ok(self) -> bool:
        """Return True if the plan can be run."""
        return not has_errors(self.problems)

    def require_stack(self, name: str = "the plan") -> Stack:
        """Return the stack. Raises PlanError with the first errors of the plan, which the message calls `name`."""
        if self.stack is None or not self.ok:
            raise _refusal(name, [problem for problem in self.problems if problem.severity is Severity.ERROR])
        return self.stack


def _refusal(name: str, errors: Sequence[Problem]) -> PlanError:
    """Return the error with the position of the first problem."""
    position = next((problem.place for problem in errors if problem.place), None)
    more = [f"and {len(errors) - MAX_NAMED} more"] if len(errors) > MAX_NAMED else []
    return PlanError(
        f"{shown(name)} cannot be run",
        why="; ".join([*map(_in_words, errors[:MAX_NAMED]), *more]),
        fix=next((problem.fix for problem in errors if problem.fix), "Run `dlec plan check` on it."),
        where={"line": position.line, "column": position.column} if position else {},
    )


def _in_words(problem: Problem) -> str:
    line = f"line {problem.place.line}: " if problem.place else ""
    return f"{line}{shown(problem.message)}"


def check_plan(text: str, open_checkpoint: Callable[[str], Checkpoint], context: CheckContext = UNKNOWN) -> CheckedPlan:
    """Parse `text`, open its checkpoints with `open_checkpoint`, apply every rule. Never raises DlecError."""
    parsed = parse(text)
    problems = [*parsed.problems, *comments.check(text)]
    plan = parsed.plan and replace(parsed.plan, casts_all=comments.casts_all(text))
    stack = None if plan is None else _checked(plan, open_checkpoint, context, problems)
    remaining = enabled(_without_repeats(problems), text, context)
    return CheckedPlan(text, stack, tuple(sorted(remaining, key=_by_place)))


def _checked(
    plan: Plan, open_checkpoint: Callable[[str], Checkpoint], context: CheckContext, problems: list[Problem]
) -> Stack | None:
    """Return the stack of a plan that can be run, and add its problems to `problems`."""
    checkpoints, unopened = _open_all(plan, open_checkpoint)
    problems += unopened
    if unopened:
        return None
    resolved = resolve(plan, checkpoints)
    problems += resolved.problems
    for document in resolved.documents:
        problems += _findings(PLAN_RULES, Facts(document, checkpoints, context))
    if resolved.plan is None or has_errors(problems):
        return None
    facts = Facts(resolved.plan, checkpoints, context)
    problems += _findings(PLAN_RULES, facts)
    if has_errors(problems):
        return None
    problems += [*tokenizer.check(facts.plan, checkpoints), *_findings(STACK_RULES, facts)]
    return facts.stack


def _findings(rules: Iterable[Callable[[Facts], Iterable[Problem]]], facts: Facts) -> list[Problem]:
    return [problem for rule in rules for problem in rule(facts)]


def _open_all(plan: Plan, open_checkpoint: Callable[[str], Checkpoint]) -> tuple[dict[str, Checkpoint], list[Problem]]:
    checkpoints, problems = {}, []
    for reference in plan.models:
        try:
            checkpoints[reference] = open_checkpoint(reference)
        except DlecError as error:
            place = _place_of(plan, reference)
            problems.append(Problem("checkpoint", Severity.ERROR, error.line, place, error.fix))
    return checkpoints, problems


def _place_of(plan: Plan, reference: str) -> Position:
    """Return the position of the first mention."""
    for document in (*plan.earlier, plan):
        places = [slice_.model_place for slice_ in document.slices if slice_.model == reference]
        grafts = [slice_.graft for slice_ in document.slices if slice_.graft]
        places += [graft.model_at.place for graft in grafts if graft.model == reference]
        places += [document.base_model_place] if document.base_model == reference else []
        places += [document.tokenizer.source_place] if document.tokenizer else []
        if reference in document.own_models:
            return places[0]
    raise AssertionError(f"{reference} is not in the plan")


def _without_repeats(problems: Iterable[Problem]) -> list[Problem]:
    """Merge problems of one value that several aliases refer to: report it at its first use, with its own line."""
    groups: dict[tuple[str, str, Position | None], list[Problem]] = {}
    for problem in problems:
        origin = problem.place and (problem.place.origin or problem.place)
        groups.setdefault((problem.rule, problem.message, origin), []).append(problem)
    return [_with_origin(first, len(same)) for first, *same in groups.values()]


def _with_origin(problem: Problem, others: int) -> Problem:
    if problem.place is None or problem.place.origin is None:
        return problem
    more = f", also used {others} more times" if others > 1 else ", also used once more" if others else ""
    return replace(problem, message=f"{problem.message} (an alias of line {problem.place.origin.line}{more})")


def _by_place(problem: Problem) -> tuple[int, int]:
    return (problem.place.line, problem.place.column) if problem.place else (0, 0)


# Fixes. Everything else in the text keeps its bytes.


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
