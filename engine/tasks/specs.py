"""The table of tasks: one row for each, read by everything that runs, queues or shows them.

A new task needs a module with `run(request, report)`, a row here, a row in dlec_tui.jobs.task_views, and its verb.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any


class Subject(StrEnum):
    """The kind of thing that a task is about."""

    CHECKPOINT = "checkpoint"
    PLAN = "plan"


class Unit(StrEnum):
    """The unit in which a task counts its progress."""

    STEPS = "steps"
    BYTES = "bytes"


class Listing(StrEnum):
    """A list that has to be read again when a task is done."""

    MODELS = "models"
    MEASUREMENTS = "measurements"


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """One task."""

    name: str
    module: str
    """Name of the module whose `run(request, report)` does the work."""
    title: str = "{task} {subject}"
    """Title of its jobs. {task} and {subject} are the names of the task and of its checkpoint or plan; other fields are
    keys of the request."""
    subject: Subject = Subject.CHECKPOINT
    is_queued: bool = True
    """True if it is offered as a job; False if only a verb or the workbench itself runs it."""
    is_resumable: bool = False
    """True if an attempt continues from the output of the previous one."""
    needs_device: bool = True
    """True if it opens models, in a process that keeps them loaded; other tasks get a fresh process."""
    is_online: bool = False
    """True if its process may use the network."""
    proposes_plan: bool = False
    """True if its answer is a new plan."""
    writes_checkpoint: bool = False
    unit: Unit = Unit.STEPS
    invalidates: frozenset[Listing] = frozenset()

    def titled(self, subject: str, request: Mapping[str, Any]) -> str:
        """Return the title of a job. A list in the request becomes the names of its files or entries."""
        words = {key: ", ".join(Path(each).name for each in value) for key, value in request.items() if _is_list(value)}
        return self.title.format_map({**request, **words, "task": self.name, "subject": subject})


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(each, str) for each in value)


_MEASURED = frozenset({Listing.MEASUREMENTS})
_PROFILED = frozenset({Listing.MODELS, Listing.MEASUREMENTS})
_WRITTEN = frozenset({Listing.MODELS})

_ROWS = (
    TaskSpec("profile", "engine.tasks.profile", invalidates=_PROFILED),
    TaskSpec("score", "engine.tasks.score", "score {subject} by {metric}", invalidates=_PROFILED),
    TaskSpec("sweep", "engine.tasks.sweep", "sweep {space} of {subject}", invalidates=_MEASURED),
    TaskSpec("share", "engine.tasks.share", is_queued=False),
    TaskSpec(
        "propose",
        "engine.tasks.propose",
        "propose layers of {subject} to repeat",
        proposes_plan=True,
        invalidates=_MEASURED,
    ),
    TaskSpec(
        "search",
        "engine.tasks.search",
        "search layers of {subject} to repeat",
        proposes_plan=True,
        invalidates=_MEASURED,
    ),
    TaskSpec(
        "classic",
        "engine.tasks.classic",
        "layers of {subject} that the original DLEC rule keeps",
        proposes_plan=True,
        invalidates=_MEASURED,
    ),
    TaskSpec("preview", "engine.tasks.preview", subject=Subject.PLAN),
    TaskSpec("generate", "engine.tasks.generate", "generate with {subject}", Subject.PLAN),
    TaskSpec("eval", "engine.tasks.evaluate", "eval {subject} by {tasks}", Subject.PLAN),
    TaskSpec(
        *("merge", "engine.tasks.merge", "merge {subject} into {out}", Subject.PLAN),
        is_resumable=True,
        needs_device=False,
        is_online=True,
        writes_checkpoint=True,
        unit=Unit.BYTES,
        invalidates=_WRITTEN,
    ),
    TaskSpec("verify-equivalence", "engine.tasks.verify_equivalence", subject=Subject.PLAN, is_queued=False),
    TaskSpec("verify", "engine.tasks.verify", needs_device=False),
    TaskSpec(
        *("diff", "engine.tasks.diff", "diff {b} against {a}"),
        needs_device=False,
        is_online=True,
        unit=Unit.BYTES,
        invalidates=_MEASURED,
    ),
    TaskSpec("origin", "engine.tasks.origin", "origin of {subject}", needs_device=False),
    TaskSpec(
        *("download", "engine.tasks.download"),
        needs_device=False,
        is_online=True,
        unit=Unit.BYTES,
        invalidates=_WRITTEN,
    ),
    TaskSpec("describe", "engine.tasks.describe", is_queued=False, needs_device=False, is_online=True),
)

TASKS: dict[str, TaskSpec] = {row.name: row for row in _ROWS}
"""The rows by name."""


def spec_of(task: str) -> TaskSpec:
    """Return the row of `task`. A job of another version of dlec may have a task that this one lacks: its row has no
    module, and nothing else set."""
    return TASKS.get(task) or TaskSpec(task, "")
