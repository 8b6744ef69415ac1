"""Reads a plan from disk and has it checked: what check, show, merge and demo begin with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from dlec_tui.cli import problems
from dlec_tui.cli.screen import waiting
from dlec_tui.plans.circumstances import circumstances
from dlec_tui.wording import plural
from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import PlanError, shown
from engine.plan.check import CheckedPlan, check_plan
from engine.plan.loading import Opened
from engine.plan.plan_file import plan_text_of
from engine.plan.problems import Problem, Severity
from engine.plan.rules import OpenedBy
from engine.plan.stack import Stack
from engine.tasks.header_checks import HeaderChecks, header_checks
from engine.tasks.inertness import inertness_trials


@dataclass(frozen=True)
class PlanFile:
    """A plan on disk and what was found in it."""

    path: Path
    checked: CheckedPlan

    def refusals(self, *, strict: bool) -> tuple[Problem, ...]:
        """The problems that forbid running the plan."""
        fatal = {Severity.ERROR, Severity.WARNING} if strict else {Severity.ERROR}
        return tuple(problem for problem in self.checked.problems if problem.severity in fatal)

    def stack(self, *, strict: bool = False) -> Stack:
        """What the plan compiles to. Raises PlanError when a problem forbids running it."""
        refusals = self.refusals(strict=strict)
        if refusals or self.checked.stack is None:
            raise _refusal(self.path, refusals, strict=strict)
        return self.checked.stack

    def findings(self) -> str:
        """All problems, as a compiler prints them."""
        source = self.checked.text.splitlines()
        return "\n".join(problems.as_text(problem, str(self.path), source) for problem in self.checked.problems)


def _refusal(path: Path, refusals: Sequence[Problem], *, strict: bool) -> PlanError:
    """Its place is that of the first problem."""
    first = next((problem.place for problem in refusals if problem.place), None)
    return PlanError(
        f"{shown(path)} cannot be run",
        why=refused_for(refusals, strict=strict),
        fix="Fix the problems listed above.",
        where={"path": str(path), **({"line": first.line, "column": first.column} if first else {})},
    )


def refused_for(refusals: Sequence[Problem], *, strict: bool) -> str:
    """ "1 error", "2 warnings, which --strict treats as errors"."""
    errors = [problem for problem in refusals if problem.severity is Severity.ERROR]
    warnings = plural(len(refusals) - len(errors), "warning")
    parts = [plural(len(errors), "error")] if errors or not refusals else []
    treated = [f"{warnings}, which --strict treats as errors"] if strict and len(refusals) > len(errors) else []
    return " and ".join([*parts, *treated])


def read_plan(
    path: Path,
    open_checkpoint: Callable[[str], Checkpoint],
    store: Path,
    out: Path | None = None,
    device: str | None = None,
    opened: OpenedBy | None = None,
) -> PlanFile:
    """Read and check the plan at `path`, without the rules that the user switched off.

    Where it is known: `out`, to which the result goes, and the device on which it is to run. opened: finds out what
    transformers says of the sources and the result. Raises PlanError when it
    is no text, MachineError when unreadable, UsageError for settings or a device not understood.
    """
    found = replace(circumstances(store, out, device, opened), inertness=inertness_trials(store.parent).tried)
    return PlanFile(path, check_plan(plan_text_of(path), open_checkpoint, found))


def opened_by_transformers(store: Path) -> OpenedBy:
    """A function that has transformers open the headers of a stack, in a child process where no result is cached."""
    return partial(_opened, header_checks(store.parent))


def _opened(checks: HeaderChecks, stack: Stack) -> Opened:
    if not checks.lacking(stack):
        return checks.checked(stack)
    with waiting("transformers opens the headers"):
        return checks.checked(stack)
