"""Which jobs a list shows, and in which order."""

from datetime import datetime, timedelta

from dlec_tui.jobs.stored import StoredJob, StoredJobs
from dlec_tui.jobs.wording import since
from engine.store.job_states import ENDED, Held, Running, Waiting


def in_view(found: StoredJobs, lately: timedelta | None) -> list[StoredJob]:
    """Running, waiting and held jobs in the order of the queue, then those that ended `lately`, the last one first."""
    open_jobs = [stored for stored in found.jobs if not isinstance(stored.job.state, ENDED)]
    ended = [stored for stored in found.jobs if _ended_lately(stored, found.moment, lately)]
    return [
        *sorted(open_jobs, key=lambda stored: (Running, Waiting, Held).index(type(stored.job.state))),
        *sorted(ended, key=lambda stored: since(stored.job), reverse=True),
    ]


def matching(jobs: list[StoredJob], wanted: str) -> list[StoredJob]:
    """Those that contain each of the words, in title, state, task or batch."""
    words = wanted.lower().split()
    return [stored for stored in jobs if all(word in _searched(stored) for word in words)]


def _searched(stored: StoredJob) -> str:
    job = stored.job
    return f"{job.id} {job.state_name} {job.spec.task} {job.spec.title} {job.spec.batch or ''}".lower()


def _ended_lately(stored: StoredJob, moment: datetime, lately: timedelta | None) -> bool:
    return isinstance(stored.job.state, ENDED) and (lately is None or moment - since(stored.job) <= lately)
