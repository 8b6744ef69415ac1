"""What ended while nobody looked."""

from collections.abc import Iterable
from datetime import datetime

from dlec_tui.jobs.wording import since
from engine.errors import shown
from engine.protocol import from_data
from engine.store.job_states import ENDED, Cancelled, Failed
from engine.store.jobs import Job

MOST_JOBS = 6
"""That are told one by one."""


def away_text(jobs: Iterable[Job], left_at: datetime) -> str:
    """A line for each job that has ended since then, the first to end first; "" when there is none."""
    ended = sorted((job for job in jobs if isinstance(job.state, ENDED) and since(job) >= left_at), key=since)
    lines = [_line(job) for job in ended[:MOST_JOBS]]
    more = len(ended) - MOST_JOBS
    return "\n".join([*lines, *[f"and {more} more"] * (more > 0)])


def _line(job: Job) -> str:
    what = f"job {job.id} {shown(job.spec.title)}"
    match job.state:
        case Failed(error=error):
            return f"{what} failed: {shown(from_data(error).line)}"
        case Cancelled():
            return f"{what} was cancelled"
    return f"{what} is done"
