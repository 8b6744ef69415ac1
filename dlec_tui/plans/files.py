"""Plan files: the ones that a pattern matches, and plans that can be run."""

import os
from collections.abc import Callable, Sequence
from glob import glob
from pathlib import Path

from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import PlanError, UsageError, shown
from engine.jobs.job_specs import NamedPlan
from engine.plan.check import check_plan
from engine.plan.plan_file import plan_text_of
from engine.plan.problems import Problem, Severity


def plan_files(pattern: str) -> list[Path]:
    """The files that a name or a pattern means, by name; a file may be called like a pattern."""
    found = [pattern] if os.path.exists(pattern) else sorted(glob(pattern, recursive=True))  # noqa: PTH110, PTH207 (take any path)
    return [Path(match) for match in found if os.path.isfile(match)]  # noqa: PTH113 (likewise)


def require_plans(pattern: Path) -> None:
    """Raises UsageError where a name or a pattern means no file."""
    if not plan_files(str(pattern)):
        raise UsageError(f"there is no plan {shown(pattern)}")


def runnable_plan(path: Path, open_checkpoint: Callable[[str], Checkpoint]) -> NamedPlan:
    """Raises PlanError with the first problem of a plan that cannot be run, and what `plan_text_of` raises."""
    checked = check_plan(plan_text_of(path), open_checkpoint)
    errors = [problem for problem in checked.problems if problem.severity is Severity.ERROR]
    if checked.stack is None or errors:
        raise _refusal(path, errors)
    return NamedPlan(path.name, checked.text, checked.stack, Path.cwd())


def _refusal(path: Path, errors: Sequence[Problem]) -> PlanError:
    first = errors[0]
    line = f"line {first.place.line}: " if first.place else ""
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return PlanError(f"{shown(path.name)} cannot be run", why=f"{line}{first.message}{more}", fix=first.fix)
