"""Plan files: the ones that a pattern matches, and plans that can be run."""

import os
from collections.abc import Callable
from glob import glob
from pathlib import Path

from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import UsageError, shown
from engine.jobs.job_specs import NamedPlan
from engine.plan.check import check_plan
from engine.plan.plan_file import plan_text_of


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
    return NamedPlan(path.name, checked.text, checked.require_stack(path.name), Path.cwd())
