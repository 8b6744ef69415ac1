"""Reads a plan from disk and has it checked: what check, show, merge and demo begin with."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dlec_tui.cli import problems
from dlec_tui.cli.screen import waiting
from dlec_tui.plans.circumstances import circumstances
from dlec_tui.plans.files import plan_text_of
from dlec_tui.wording import plural
from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import PlanError, shown
from engine.plan.check import CheckedPlan, check_plan
from engine.plan.loading import Opened
from engine.plan.problems import Problem, Severity
from engine.plan.rules import OpenedBy
from engine.plan.stack import Stack
from engine.store.location import store_path
from engine.tasks.openings import ask, known, lacking


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
            why = plural(len(refusals), "problem")
            raise PlanError(f"{shown(self.path)} cannot be run", why=why, fix="Mend what is listed above.")
        return self.checked.stack

    def findings(self) -> str:
        """All problems, as a compiler prints them."""
        source = self.checked.text.splitlines()
        return "\n".join(problems.as_text(problem, str(self.path), source) for problem in self.checked.problems)


def read_plan(
    path: Path,
    open_checkpoint: Callable[[str], Checkpoint],
    out: Path | None = None,
    device: str | None = None,
    opened: OpenedBy = known,
) -> PlanFile:
    """Read and check the plan at `path`, without the rules that the user switched off.

    Where it is known: `out`, to which the result goes, and the device on which it is to run. opened: finds out what
    transformers says of the sources and the result. Raises PlanError when it
    is no text, MachineError when unreadable, UsageError for settings or a device not understood.
    """
    found = circumstances(store_path(), out, device, opened)
    return PlanFile(path, check_plan(plan_text_of(path), open_checkpoint, found))


def opened_by_transformers(stack: Stack) -> Opened:
    """What transformers says, asked now, in a process of its own, where nobody has asked it before."""
    wanted = lacking(stack)
    if wanted:
        with waiting("transformers opens the headers"):
            ask(wanted)
    return known(stack)
