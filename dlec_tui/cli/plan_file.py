"""Plan files: read and check, print the problems, write."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial, wraps
from pathlib import Path
from typing import Any

import click

from dlec_tui.cli.options import NEW_FILE, RelatedOption
from dlec_tui.cli.progress import waiting
from dlec_tui.plans.check_context import check_context
from dlec_tui.wording import cell_len, clipped, printable
from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import MachineError, NotFoundError, PlanError, UsageError, escaped, machine_error, shown
from engine.files import write_new, write_whole
from engine.plan.check import CheckedPlan, check_plan
from engine.plan.patches import as_request, open_patches
from engine.plan.plan_file import plan_text_of
from engine.plan.problems import Problem, Severity
from engine.plan.rules import OpenedBy
from engine.plan.source_defects import Opened
from engine.plan.stack import Stack
from engine.tasks.header_checks import HeaderChecks, header_checks
from engine.tasks.inertness import inertness_trials
from engine.units import plural


@dataclass(frozen=True)
class PlanFile:
    """A plan on disk and the result of its check."""

    path: Path
    checked: CheckedPlan

    def refusals(self, *, strict: bool) -> tuple[Problem, ...]:
        """Return the problems that prevent running the plan."""
        fatal = {Severity.ERROR, Severity.WARNING} if strict else {Severity.ERROR}
        return tuple(problem for problem in self.checked.problems if problem.severity in fatal)

    def stack(self, *, strict: bool = False) -> Stack:
        """Return the compiled stack. Raises PlanError if a problem prevents running the plan."""
        refusals = self.refusals(strict=strict)
        if refusals or self.checked.stack is None:
            raise _refusal(self.path, refusals, strict=strict)
        return self.checked.stack

    @property
    def request(self) -> dict[str, Any]:
        """The plan in a task's request: its text and its patches."""
        return {"plan": self.checked.text, **(as_request(self.checked.stack.patches) if self.checked.stack else {})}

    def findings(self) -> str:
        """Return all problems, formatted like compiler messages."""
        source = self.checked.text.splitlines()
        return "\n".join(problem_text(problem, str(self.path), source) for problem in self.checked.problems)


def _refusal(path: Path, refusals: Sequence[Problem], *, strict: bool) -> PlanError:
    """Return the error for a refused plan, with the position of the first problem."""
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
    patches: Sequence[Path] = (),
) -> PlanFile:
    """Read and check the plan at `path`, without the rules that the user switched off.

    out, device: path of the result and device to run on, if known. opened: results of opening the sources and the
    result with transformers. Raises PlanError if the file is not text, MachineError if it is unreadable, UsageError for
    invalid settings or an invalid device.
    """
    context = replace(
        check_context(store, out, device, opened),
        inertness=inertness_trials(store.parent).tried,
        changed_sources=_changed_sources,
        patches=open_patches(patches),
    )
    return PlanFile(path, check_plan(plan_text_of(path), open_checkpoint, context))


def _changed_sources(checkpoint: Checkpoint) -> Sequence[str]:
    if "dlec_manifest.json" not in checkpoint.settings_files:
        return ()
    from engine.comparison.provenance import changed_sources  # late: few checkpoints are stacks

    return changed_sources(checkpoint)


def opened_by_transformers(store: Path) -> OpenedBy:
    """A function that has transformers open the headers of a stack, in a child process where no result is cached."""
    return partial(_opened, header_checks(store.parent))


def _opened(checks: HeaderChecks, stack: Stack) -> Opened:
    if not checks.lacking(stack):
        return checks.checked(stack)
    with waiting("opening the headers with transformers"):
        return checks.checked(stack)


_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}
_WIDEST_SOURCE_LINE = 160


def problem_text(problem: Problem, file: str, source: list[str]) -> str:
    """One problem of the plan `file`, whose lines are `source`."""
    return "\n".join(_problem_lines(problem, file, source))


def problem_as_json(problem: Problem) -> dict[str, str | int | None]:
    return {
        "rule": problem.rule,
        "severity": str(problem.severity),
        "line": problem.place.line if problem.place else None,
        "column": problem.place.column if problem.place else None,
        "message": problem.message,
        "fix": problem.fix,
    }


def _problem_lines(problem: Problem, file: str, source: list[str]) -> Iterator[str]:
    place = f":{problem.place.line}:{problem.place.column}" if problem.place else ""
    severity = click.style(problem.severity, fg=_COLOURS[problem.severity], bold=True)
    yield f"{shown(file)}{place} {severity} {problem.rule} {escaped(problem.message)}"
    yield from _excerpt(problem, source)
    yield from (f"    {line}" for line in printable(problem.fix).split("\n") if line)


def _excerpt(problem: Problem, source: list[str]) -> Iterator[str]:
    """The line in question with a caret under the place, where there is such a line."""
    place = problem.place
    if place is None or place.line > len(source):
        return
    line = source[place.line - 1].rstrip("\n")
    before = shown(line[: place.column - 1])
    if len(before) >= _WIDEST_SOURCE_LINE or not line.strip():
        return
    yield f"  {clipped(shown(line), _WIDEST_SOURCE_LINE)}"
    yield f"  {' ' * cell_len(before)}{click.style('^', fg=_COLOURS[problem.severity], bold=True)}"


def file_options(*, needs: Sequence[str] = ()) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """--out and --force; a file that cannot be written is refused before the verb begins.

    needs: an option without which --out has no meaning.
    """

    def decorated(command: Callable[..., None]) -> Callable[..., None]:
        @click.option(
            "-o",
            "--out",
            metavar="FILE",
            type=NEW_FILE,
            cls=RelatedOption,
            needs=needs,
            help="Output file (default: standard output).",
        )
        @click.option("--force", is_flag=True, cls=RelatedOption, needs=("--out",), help="Overwrite the output file.")
        @wraps(command)
        def with_file(*arguments: Any, out: Path | None, force: bool, **options: Any) -> None:
            if out is not None:
                require_writable(out, overwrite=force)
            command(*arguments, out=out, force=force, **options)

        return with_file

    return decorated


def require_writable(path: Path, *, overwrite: bool) -> None:
    """Raises UsageError for a file that exists or has no directory, MachineError where writing is not permitted."""
    if path.exists() and not path.is_file():
        raise UsageError(f"{shown(path)} is not a file", fix="Give another file; without --out the plan is printed.")
    if path.exists() and not overwrite:
        raise _exists(path)
    directory = path.resolve().parent
    if not directory.is_dir():
        raise NotFoundError(f"{shown(path)} cannot be written", why=f"there is no directory {shown(directory)}")
    if not os.access(directory, os.W_OK | os.X_OK):
        raise MachineError(f"{shown(path)} cannot be written", why=f"{shown(directory)} is not writable")


def write_plan(path: Path, plan_text: str, *, overwrite: bool) -> None:
    """Raises UsageError when the file exists and may not be overwritten, MachineError when it cannot be written."""
    require_writable(path, overwrite=overwrite)
    content = plan_text.encode()
    try:
        if overwrite:
            write_whole(path.resolve(), content)
        else:
            write_new(path, content)
    except FileExistsError as error:
        raise _exists(path) from error
    except OSError as error:
        raise machine_error(f"{shown(path)} cannot be written", error) from error


def _exists(path: Path) -> UsageError:
    return UsageError(f"{shown(path)} exists", fix="Give another file, or --force to overwrite it.")
