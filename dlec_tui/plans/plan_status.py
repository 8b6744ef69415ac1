"""Status of a plan: slices, problems and costs, computed from headers in a thread while the user edits."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from statistics import median

from dlec_tui.plans.checkpoints import PlanCheckpoints
from dlec_tui.wording import change
from engine.errors import DlecError
from engine.jobs.settings import rules_off
from engine.machine.disk import free_bytes
from engine.plan.check import CheckedPlan, check_plan
from engine.plan.cost import Cost, cost_of
from engine.plan.edits import SliceView, slices_of
from engine.plan.problems import Problem, Severity
from engine.plan.rules import CheckContext
from engine.store.job_states import Done
from engine.store.jobs import Job
from engine.tasks.header_checks import header_checks
from engine.tasks.inertness import inertness_trials
from engine.tasks.specs import spec_of
from engine.units import byte_size, count, duration, plural

_BY_SEVERITY = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.NOTE: 2}


@dataclass(frozen=True)
class Slices:
    """A text as a list."""

    text: str = ""
    views: tuple[SliceView, ...] = ()
    unreadable: str = ""
    """Reason why the text is not a list of slices; "" if it is one."""


@dataclass(frozen=True)
class Verdict:
    """Status of one text."""

    text: str
    slices: Slices
    checked: CheckedPlan
    problems: tuple[Problem, ...]
    """Errors first."""
    cost: Cost | None
    """None for a plan that cannot be run."""
    out: Path | None
    """Default output directory of a merge."""
    free: int | None
    """Bytes that may be written there."""
    depths: Mapping[str, int]
    """Layers of each model that is named and can be opened."""

    @property
    def reason_against_running(self) -> str:
        """ "" for a plan that can be run."""
        if not self.text.strip():
            return "the plan is empty"
        errors = sum(problem.severity is Severity.ERROR for problem in self.problems)
        return f"the plan has {plural(errors, 'error')}" if errors else ""


@lru_cache(maxsize=2)
def slices_in(text: str) -> Slices:
    """Slices of a text. Cached: the list shows an edit immediately, and the check needs it again."""
    try:
        return Slices(text, tuple(slices_of(text)))
    except DlecError as error:
        return Slices(text, unreadable=error.why or error.what)


def look_over(
    text: str, name: str, checkpoints: PlanCheckpoints, store: Path, directory: Path | None = None
) -> Verdict:
    """Check a text. name: output directory; directory: its parent, None for that of the model.

    Takes tens of milliseconds for 500 slices. Never raises DlecError.
    """
    off, unreadable = _rules_off(store)
    home = store.parent
    opened, inertness = header_checks(home).known_sources, inertness_trials(home).known
    slices, known = slices_in(text), CheckContext(off, inertness=inertness, opened=opened)
    checked = check_plan(text, checkpoints.opener(), known)
    problems = tuple(sorted([*unreadable, *checked.problems], key=lambda problem: _BY_SEVERITY[problem.severity]))
    is_runnable = checked.stack is not None and checked.ok
    cost = cost_of(checked.stack) if checked.stack is not None and is_runnable else None
    out = (directory or checked.stack.config_donor.directory.absolute().parent) / name if checked.stack else None
    return Verdict(text, slices, checked, problems, cost, out, _free(out), _depths(slices.views, checkpoints))


def _depths(views: Sequence[SliceView], checkpoints: PlanCheckpoints) -> dict[str, int]:
    open_checkpoint, depths = checkpoints.opener(), {}
    for name in {model for view in views for model in view.models}:
        with suppress(DlecError):
            depths[name] = open_checkpoint(name).layer_count
    return depths


def counts_text(problems: Sequence[Problem]) -> str:
    """ "1 error, 2 notes"; "" for none."""
    numbers = {severity: sum(problem.severity is severity for problem in problems) for severity in Severity}
    return ", ".join(plural(number, str(severity)) for severity, number in numbers.items() if number)


def _rules_off(store: Path) -> tuple[tuple[str, ...], tuple[Problem, ...]]:
    """The rules that the settings switch off; or none, and what is wrong with the settings."""
    try:
        return rules_off(store), ()
    except DlecError as error:
        return (), (Problem("rules-off", Severity.WARNING, error.line, fix=error.fix),)


def _free(out: Path | None) -> int | None:
    try:
        return free_bytes(out) if out is not None else None
    except OSError:
        return None


SHOWN_CONTEXT = 1000
"""Tokens for which the KV cache is stated."""
_LATEST = 5
"""Merges whose rate is believed."""


def merge_rate(jobs: Iterable[Job]) -> float | None:
    """Bytes a second that past merges have managed; None where there were none."""
    rates = [
        job.state.result["bytes"] / job.state.result["seconds"]
        for job in sorted(jobs, key=lambda job: job.id)
        if spec_of(job.spec.task).writes_checkpoint and isinstance(job.state, Done) and _is_told(job.state)
    ]
    return median(rates[-_LATEST:]) if rates else None


def cost_parts(verdict: Verdict, rate: float | None) -> Iterator[str]:
    """rate: bytes a second; None when it is not known."""
    cost = verdict.cost
    if cost is None:
        return
    yield f"{count(cost.parameters)} parameters ({change(cost.parameters, cost.base_parameters)})"
    yield f"{byte_size(cost.nbytes)} in memory"
    if cost.kv_bytes_per_token is not None:
        yield f"KV cache {byte_size(cost.kv_bytes_per_token * SHOWN_CONTEXT)} per 1k tokens"
    if verdict.free is not None:
        yield f"disk {byte_size(cost.nbytes)} of {byte_size(verdict.free)} free"
    if rate is not None:
        yield f"merge: about {duration(cost.nbytes / rate)}"


def is_too_large(verdict: Verdict) -> bool:
    """Whether the disk of the output is too small."""
    return verdict.cost is not None and verdict.free is not None and verdict.cost.nbytes > verdict.free


def _is_told(state: Done) -> bool:
    """Whether a merge, perhaps of another version, says how much it wrote in which time."""
    figures = (state.result.get("bytes"), state.result.get("seconds"))
    return all(isinstance(figure, int | float) and figure > 0 for figure in figures)
