"""Jobs in words: how far one is, since when, and what else there is to say on a line."""

from datetime import datetime

from dlec_tui.jobs.pace import Pace, pace_of
from dlec_tui.jobs.stored import StoredJob
from engine.errors import shown
from engine.protocol import from_data
from engine.store.job_states import Cancelled, Done, Failed, Progress, Running
from engine.store.jobs import Job
from engine.tasks.stages import stage_of
from engine.units import byte_size, duration, frequency, rate

IN_BYTES = ("merge", "download")
"""Tasks whose progress is counted in bytes."""


def since(job: Job) -> datetime:
    """When it came into its state; a job that waits or is held has done so since it was submitted."""
    match job.state:
        case Running(started_at=moment) | Done(ended_at=moment) | Failed(ended_at=moment) | Cancelled(ended_at=moment):
            return moment
    return job.submitted_at


def detail(stored: StoredJob, moment: datetime) -> str:
    """What a line about the job says besides its title; "" when there is nothing."""
    match stored.job.state:
        case Running():
            return "; ".join(filter(None, (running_text(stored, moment), stored.reason)))
        case Done(started_at, ended_at):
            return f"took {duration((ended_at - started_at).total_seconds())}"
        case Failed(error=error):
            return shown(from_data(error).line)
        case _:
            return stored.reason


def running_text(stored: StoredJob, moment: datetime) -> str:
    """How far a running job is, how fast, and how long it will take: "copying: 43 %, 1.20 GB of 2.80 GB, ...".

    "" before its first progress. Where its worker is gone nothing moves, and nothing is foretold; nor of one stage of
    several, since the job was begun with another.
    """
    job, state = stored.job, stored.job.state
    if not isinstance(state, Running) or state.progress is None:
        return ""
    in_bytes = job.spec.task in IN_BYTES
    moves = stored.worker is not None and stored.worker.lives and not stage_of(state.progress.what)
    pace = _pace_text(pace_of(state, moment), in_bytes=in_bytes) if moves else ""
    far = ", ".join(filter(None, (progress_text(state.progress, in_bytes=in_bytes), pace)))
    return ": ".join(filter(None, (shown(state.progress.what), far)))


def progress_text(progress: Progress, *, in_bytes: bool) -> str:
    """Of how much: "43 %, 1.20 GB of 2.80 GB", "40 %, 12 of 30"; only what there is where the total is not known."""
    done, total = (byte_size(number) if in_bytes else f"{number:,}" for number in (progress.done, progress.total))
    if not progress.total:
        return done if progress.done else ""
    return f"{min(progress.done / progress.total, 1):.0%}, {done} of {total}".replace("%", " %")


def _pace_text(pace: Pace | None, *, in_bytes: bool) -> str:
    if pace is None:
        return ""
    speed = rate(pace.per_second, 1) if in_bytes else frequency(pace.per_second)
    return f"{speed}, {duration(pace.seconds_left)} left" if pace.seconds_left else speed
