"""Plan files: patterns, reading, writing, and noticing changes by other programs."""

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from glob import glob
from pathlib import Path

from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import DlecError, UsageError, machine_error, shown
from engine.files import write_whole
from engine.jobs.job_specs import NamedPlan
from engine.plan.check import check_plan
from engine.plan.plan_file import plan_text_of


def plan_files(pattern: str) -> list[Path]:
    """The files that a name or a pattern means, by name; a file may be called like a pattern."""
    matches = [pattern] if os.path.exists(pattern) else sorted(glob(pattern, recursive=True))  # noqa: PTH110, PTH207 (take any path)
    return [Path(match) for match in matches if os.path.isfile(match)]  # noqa: PTH113 (likewise)


def require_plans(pattern: Path) -> None:
    """Raises UsageError where a name or a pattern means no file."""
    if not plan_files(str(pattern)):
        raise UsageError(f"no plan file matches {shown(pattern)}")


def runnable_plan(path: Path, open_checkpoint: Callable[[str], Checkpoint]) -> NamedPlan:
    """Raises PlanError with the first problem of a plan that cannot be run, and what `plan_text_of` raises."""
    checked = check_plan(plan_text_of(path), open_checkpoint)
    return NamedPlan(path.name, checked.text, checked.require_stack(path.name), Path.cwd())


Stamp = tuple[int, int]
"""Modification time in nanoseconds, size in bytes."""


@dataclass(frozen=True, slots=True)
class OnDisk:
    """Content of a file at the last reading."""

    path: Path
    stamp: Stamp | None
    """None: there was no file."""
    text: str | None


def stamp_of(path: Path) -> Stamp | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def read_plan_file(path: Path) -> OnDisk:
    """Read a plan file. Raises PlanError for invalid text, MachineError for unreadable files."""
    stamp = stamp_of(path)  # before reading: who writes meanwhile is noticed at the next look
    return OnDisk(path, stamp, plan_text_of(path))


def look_again(known: OnDisk) -> OnDisk | None:
    """Current content if it differs from the known one; None if nothing has changed.

    The text is None if the file is missing or unreadable.
    """
    stamp = stamp_of(known.path)
    if stamp == known.stamp and (stamp is not None or known.text is None):
        return None
    try:
        return read_plan_file(known.path)
    except DlecError:
        return OnDisk(known.path, stamp, None)


def as_plan_file(path: Path) -> Path:
    """The file that a plan is saved in under this name: with a suffix, and absolute."""
    return (path if path.suffix or not path.name else path.with_name(f"{path.name}.yaml")).absolute()


def require_place_for_plan(path: Path) -> None:
    """Raises UsageError where no plan can be saved under this name, OSError where that cannot be looked at."""
    for each in (path, as_plan_file(path)):
        if (status := _status_of(each)) is not None and not stat.S_ISREG(status.st_mode):
            raise UsageError(f"{shown(path)} is not a file", fix="Enter another name.")
    if _status_of(path.absolute().parent) is None:
        raise UsageError(f"{shown(path.absolute().parent)} does not exist", fix="Create the directory first.")


def _status_of(path: Path) -> os.stat_result | None:
    """None: there is nothing."""
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def write_plan_file(path: Path, text: str) -> OnDisk:
    """Raises MachineError, and then the file is what it was."""
    try:
        if path.exists() and not path.is_file():
            raise UsageError(f"{shown(path)} is not a file", fix="Enter another name.")
        write_whole(path.resolve(), text.encode())
    except OSError as error:
        raise machine_error(f"{shown(path)} cannot be written", error) from error
    return OnDisk(path, stamp_of(path), text)
