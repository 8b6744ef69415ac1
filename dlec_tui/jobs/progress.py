"""Progress of jobs as text: share, rate, time left; of one job, and of all jobs in one line."""

from dataclasses import dataclass
from datetime import datetime

from dlec_tui.jobs.job_view import StoredJob, StoredJobs
from dlec_tui.terminal.glyphs import GLYPHS
from dlec_tui.wording import cell_len, elided
from engine.errors import escaped, shown
from engine.protocol import from_data
from engine.store.job_states import Cancelled, Done, Failed, Held, Progress, Running, Waiting
from engine.store.jobs import Job
from engine.tasks.specs import Unit, spec_of
from engine.tasks.stages import stage_of
from engine.units import byte_size, count, duration, frequency, rate


@dataclass(frozen=True, slots=True)
class Pace:
    """Mean speed of this attempt at this stage."""

    per_second: float
    """Speed in the unit of the job's progress."""
    seconds_left: float | None
    """Seconds left; None if the total is unknown."""


def pace_of(running: Running, moment: datetime) -> Pace | None:
    """Pace at `moment`; None before the first progress."""
    progress = running.progress
    per_second = None if progress is None else progress.per_second or _derived(running, progress.done, moment)
    if progress is None or per_second is None:
        return None
    left = (progress.total - progress.done) / per_second if progress.total else None
    return Pace(per_second, None if left is None else max(0.0, left))


def _derived(running: Running, done: int, moment: datetime) -> float | None:
    seconds = (moment - running.started_at).total_seconds()
    return done / seconds if done > 0 and seconds > 0 else None


def since(job: Job) -> datetime:
    """Start of the current state; for waiting and held jobs the time of submission."""
    match job.state:
        case Running(started_at=moment) | Done(ended_at=moment) | Failed(ended_at=moment) | Cancelled(ended_at=moment):
            return moment
    return job.submitted_at


def detail(stored: StoredJob, moment: datetime) -> str:
    """Remark next to the title of a job; "" if there is nothing to add."""
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
    """Progress, speed and time left of a running job: "copying: 43 %, 1.20 GB of 2.80 GB, ...".

    "" before the first progress. No time left if the worker is gone, or for one stage of several.
    """
    job, state = stored.job, stored.job.state
    if not isinstance(state, Running) or state.progress is None:
        return ""
    in_bytes = spec_of(job.spec.task).unit is Unit.BYTES
    moves = stored.worker is not None and stored.worker.lives and _is_timed(state.progress)
    pace = _pace_text(pace_of(state, moment), in_bytes=in_bytes) if moves else ""
    far = ", ".join(filter(None, (progress_text(state.progress, in_bytes=in_bytes), pace)))
    return ": ".join(filter(None, (shown(state.progress.what), far)))


def progress_text(progress: Progress, *, in_bytes: bool) -> str:
    """Progress in numbers: "43 %, 1.20 GB of 2.80 GB", "40 %, 12 of 30"; without the total if it is unknown."""
    done, total = (byte_size(number) if in_bytes else f"{number:,}" for number in (progress.done, progress.total))
    if not progress.total:
        return done if progress.done else ""
    return f"{min(progress.done / progress.total, 1):.0%}, {done} of {total}".replace("%", " %")


def _pace_text(pace: Pace | None, *, in_bytes: bool) -> str:
    if pace is None:
        return ""
    speed = rate(pace.per_second, 1) if in_bytes else frequency(pace.per_second)
    return f"{speed}, {duration(pace.seconds_left)} left" if pace.seconds_left else speed


@dataclass(frozen=True, slots=True)
class Advance:
    """Progress of a running job in words."""

    what: str
    """Current step."""
    share: float | None
    """Share from 0 to 1; None if the total is unknown."""
    done: str
    """ "43 %", or a number if the share is unknown."""
    speed: str
    """Speed; "" while nothing moves."""
    left: str
    stage: str = ""
    """ "stage 2 of 5" of a task with several stages."""

    @property
    def short(self) -> str:
        """ "43 %, 12 s left"."""
        return self._unless_counted(self.done, self.left or self.speed)

    @property
    def full(self) -> str:
        """ "43 %, 250 MB/s, 12 s left"."""
        return self._unless_counted(self.done, self.speed, self.left)

    def _unless_counted(self, *figures: str) -> str:
        """The current step if all counted work is done, otherwise stage and figures."""
        return self.what if self.share == 1 else ", ".join(filter(None, (self.stage, *figures)))


def advance_of(stored: StoredJob, moment: datetime) -> Advance | None:
    """Progress of a job; None if it does not run or has not reported yet."""
    state = stored.job.state
    if not isinstance(state, Running) or state.progress is None:
        return None
    progress = state.progress
    share = min(progress.done / progress.total, 1.0) if progress.total else None
    what, done = shown(progress.what), count(progress.done) if progress.done else ""
    percent = done if share is None else f"{share:.0%}".replace("%", " %")
    stage = stage_of(what)
    moves = stored.worker is not None and stored.worker.lives and _is_timed(progress)
    pace = pace_of(state, moment) if moves else None
    if pace is None:
        return Advance(what, share, percent, "", "", stage)
    speed = rate(pace.per_second, 1) if spec_of(stored.job.spec.task).unit is Unit.BYTES else frequency(pace.per_second)
    left = f"{duration(pace.seconds_left)} left" if pace.seconds_left else ""
    return Advance(what, share, percent, speed, left, stage)


def _is_timed(progress: Progress) -> bool:
    """Whether there is a rate of this stage: measured by the worker, or of a task that has one stage."""
    return progress.per_second is not None or not stage_of(progress.what)


def bar(share: float, width: int) -> str:
    """Progress bar, `width` cells wide."""
    full = round(share * width)
    return GLYPHS.full * full + GLYPHS.shades[1] * (width - full)


BAR_CELLS = 16
WIDE_ENOUGH_FOR_A_BAR = 90
"""Width in columns."""
_STRIP_GAP = "  "
_SHORTEST_TITLE = 12


def strip_text(jobs: StoredJobs, width: int) -> str:
    """All jobs in one line of `width` columns."""
    counts = _STRIP_GAP.join(_strip_counts(jobs))
    running = _in_state(jobs, Running)
    if not running:
        return elided(_STRIP_GAP.join(filter(None, (counts or "no jobs", _unattended(jobs)))), width)
    others = f"+{len(running) - 1} more running" if len(running) > 1 else ""
    behind = _STRIP_GAP.join(
        filter(None, (_strip_progress(running[-1], jobs, width), others, counts, _unattended(jobs)))
    )
    room = width - cell_len(behind) - len(_STRIP_GAP)
    return elided(f"{_strip_title(running[-1], max(room, _SHORTEST_TITLE))}{_STRIP_GAP}{behind}".rstrip(), width)


def _strip_title(stored: StoredJob, room: int) -> str:
    return elided(f"{GLYPHS.running} {stored.job.id} {escaped(stored.job.spec.title)}", room)


def _strip_progress(stored: StoredJob, jobs: StoredJobs, width: int) -> str:
    """Progress of a running job, or the problem that it has."""
    advance = advance_of(stored, jobs.moment)
    if stored.reason or advance is None:
        return "" if stored.needs_worker else stored.reason  # the end of the line reports it
    is_drawn = advance.share is not None and width >= WIDE_ENOUGH_FOR_A_BAR
    drawn = bar(advance.share or 0.0, BAR_CELLS) if is_drawn else ""
    return " ".join(filter(None, (drawn, advance.full)))


def _strip_counts(jobs: StoredJobs) -> list[str]:
    numbers = {name: len(_in_state(jobs, state)) for name, state in (("held", Held), ("failed", Failed))}
    waiting = len(_in_state(jobs, Waiting))
    waits = [f"{waiting} waiting"] if waiting else []
    return [*waits, *(f"{number} {name}" for name, number in numbers.items() if number)]


def _unattended(jobs: StoredJobs) -> str:
    return "no worker running (F5, w)" if any(stored.needs_worker for stored in jobs.jobs) else ""


def _in_state(jobs: StoredJobs, state: type) -> list[StoredJob]:
    return [stored for stored in jobs.jobs if isinstance(stored.job.state, state)]
