"""Plans as files: which ones a pattern means, and what stands in one."""

from collections.abc import Callable, Sequence
from glob import glob
from pathlib import Path

from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import MachineError, PlanError, shown
from engine.jobs.orders import NamedPlan
from engine.plan.check import check_plan
from engine.plan.problems import Problem, Severity

MAX_PLAN_BYTES = 2_000_000


def plan_text_of(path: Path) -> str:
    """Raises PlanError when it is no text, or too long to be a plan; MachineError when it cannot be read."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_PLAN_BYTES + 1)
        if len(raw) > MAX_PLAN_BYTES:
            raise PlanError(f"{shown(path)} is refused", why=f"a plan has at most {MAX_PLAN_BYTES:,} bytes")
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise PlanError(f"{shown(path)} is not UTF-8 text", why=str(error.reason)) from error
    except OSError as error:
        raise MachineError(f"{shown(path)} cannot be read", why=error.strerror or str(error)) from error


def plan_files(pattern: str) -> list[Path]:
    """The files that a name or a pattern means, by name; a file may be called like a pattern."""
    found = [pattern] if Path(pattern).exists() else sorted(glob(pattern, recursive=True))  # noqa: PTH207 (takes any path)
    return [file for match in found if (file := Path(match)).is_file()]


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
