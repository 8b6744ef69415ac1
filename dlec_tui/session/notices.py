"""Text about jobs and other workbenches when the screen opens or closes."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from shlex import quote

from dlec_tui.jobs.job_view import StoredJob, StoredJobs
from dlec_tui.jobs.progress import detail, since
from dlec_tui.session.slots import Draft, Owner
from dlec_tui.wording import clock
from engine.errors import shown
from engine.protocol import from_data
from engine.store.job_states import ENDED, Cancelled, Failed, Running, as_moment
from engine.store.jobs import Job
from engine.store.location import store_path
from engine.units import plural

MOST_JOBS = 6
"""Maximum number of jobs listed individually."""


def away_text(jobs: Iterable[Job], left_at: datetime) -> str:
    """One line for each job that has ended since then, first ended first; "" without such jobs."""
    ended = sorted((job for job in jobs if isinstance(job.state, ENDED) and since(job) >= left_at), key=since)
    lines = [_ended_line(job) for job in ended[:MOST_JOBS]]
    more = len(ended) - MOST_JOBS
    return "\n".join([*lines, *[f"and {more} more"] * (more > 0)])


def _ended_line(job: Job) -> str:
    what = f"job {job.id} {shown(job.spec.title)}"
    match job.state:
        case Failed(error=error):
            return f"{what} failed: {shown(from_data(error).line)}"
        case Cancelled():
            return f"{what} was cancelled"
    return f"{what} is done"


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
    """Commands that follow the jobs."""
    home = "" if store == store_path() else f" --home {quote(str(store.parent))}"
    return "\n".join(f"dlec jobs logs -f {stored.job.id}{home}" for stored in running)


def other_text(other: Owner, moment: datetime) -> str:
    """Notice of another open workbench."""
    since = clock(as_moment(other.since), moment)
    who = f"process {other.pid} on {shown(other.host)}, since {since}"
    return f"Another workbench uses this store: {who}.\nEach workbench has its own session and plan."


def drafts_text(drafts: Sequence[Draft]) -> str:
    """Notice of unsaved plans."""
    names = ", ".join(shown(draft.name) for draft in drafts)
    return f"{names}: unsaved changes in another workbench (press N in the plan pane to open)."


def draft_text(draft: Draft) -> str:
    """A line of a list."""
    return f"{shown(draft.name)}, {plural(len(draft.document.text.splitlines()), 'line')}, from another workbench"
