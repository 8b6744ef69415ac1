"""What is said of running jobs when the screen is left. They keep running."""

from collections.abc import Sequence
from enum import Enum, auto
from pathlib import Path
from shlex import quote

from dlec_tui.jobs.stored import StoredJob, StoredJobs
from dlec_tui.jobs.wording import detail
from engine.errors import shown
from engine.store.job_states import Running
from engine.store.location import store_path


class Leaving(Enum):
    """What the user wants of the running jobs."""

    LEAVE = auto()
    WATCH = auto()
    """Leave, and be told how to watch them line by line."""
    CANCEL = auto()


def running_jobs(jobs: StoredJobs | None) -> list[StoredJob]:
    return [stored for stored in jobs.jobs if isinstance(stored.job.state, Running)] if jobs else []


def running_text(running: Sequence[StoredJob], jobs: StoredJobs) -> str:
    """A line for each, with how far it is."""
    lines = []
    for stored in running:
        said = detail(stored, jobs.moment)
        lines.append(f"job {stored.job.id} {shown(stored.job.spec.title)}" + (f": {said}" if said else ""))
    return "\n".join(lines)


def ways_to_watch(running: Sequence[StoredJob], store: Path) -> str:
    """What to type."""
    home = "" if store == store_path() else f" --home {quote(str(store.parent))}"
    return "\n".join(f"dlec jobs logs -f {stored.job.id}{home}" for stored in running)
