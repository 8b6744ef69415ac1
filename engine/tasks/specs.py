"""The table of tasks: one row for each, read by whatever runs, queues or shows them.

A new task needs a module with `run(request, report)`, a row here, a row in dlec_tui.jobs.task_views, and its verb.
"""

from dataclasses import dataclass
from enum import StrEnum


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
    subject: Subject = Subject.CHECKPOINT
    is_queued: bool = True
    """Whether it is offered as a job; False: only a verb or the workbench itself runs it."""
    is_resumable: bool = False
    """Whether an attempt continues where the previous one stopped, in what that one wrote."""
    needs_device: bool = True
    """Whether it opens models: it shares a process that keeps them loaded. Other tasks get a fresh process."""
    is_online: bool = False
    """Whether its process may use the network."""
    proposes_plan: bool = False
    """Whether its answer is a new plan."""
    writes_checkpoint: bool = False
    unit: Unit = Unit.STEPS
    invalidates: frozenset[Listing] = frozenset()


_MEASURED = frozenset({Listing.MEASUREMENTS})
_PROFILED = frozenset({Listing.MODELS, Listing.MEASUREMENTS})
_WRITTEN = frozenset({Listing.MODELS})

_ROWS = (
    TaskSpec("profile", "engine.tasks.profile", invalidates=_PROFILED),
    TaskSpec("score", "engine.tasks.score", invalidates=_PROFILED),
    TaskSpec("sweep", "engine.tasks.sweep", invalidates=_MEASURED),
    TaskSpec("share", "engine.tasks.share", is_queued=False),
    TaskSpec("propose", "engine.tasks.propose", proposes_plan=True, invalidates=_MEASURED),
    TaskSpec("search", "engine.tasks.search", proposes_plan=True, invalidates=_MEASURED),
    TaskSpec("classic", "engine.tasks.classic", proposes_plan=True, invalidates=_MEASURED),
    TaskSpec("preview", "engine.tasks.preview", Subject.PLAN),
    TaskSpec("generate", "engine.tasks.generate", Subject.PLAN),
    TaskSpec("eval", "engine.tasks.evaluate", Subject.PLAN),
    TaskSpec(
        *("merge", "engine.tasks.merge", Subject.PLAN),
        is_resumable=True,
        needs_device=False,
        is_online=True,
        writes_checkpoint=True,
        unit=Unit.BYTES,
        invalidates=_WRITTEN,
    ),
    TaskSpec("verify-equivalence", "engine.tasks.verify_equivalence", Subject.PLAN, is_queued=False),
    TaskSpec("verify", "engine.tasks.verify", needs_device=False),
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
