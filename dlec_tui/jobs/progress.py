"""How far a running job is, in parts that a line has room for: a bar, a share, a rate, the time left."""

from dataclasses import dataclass
from datetime import datetime

from dlec_tui.jobs.pace import pace_of
from dlec_tui.jobs.stored import StoredJob
from dlec_tui.jobs.wording import IN_BYTES
from dlec_tui.terminal.glyphs import GLYPHS
from engine.errors import shown
from engine.store.job_states import Running
from engine.tasks.stages import stage_of
from engine.units import count, duration, frequency, rate


@dataclass(frozen=True, slots=True)
class Advance:
    """One moment of a running job, in words."""

    what: str
    """Is being done."""
    share: float | None
    """0 to 1; None where it is not known how much there is to do."""
    done: str
    """"43 %", or how much where the share is not known."""
    speed: str
    """"" while nothing moves, as `left`."""
    left: str
    stage: str = ""
    """"stage 2 of 5" of a task that has several, each of which counts for itself."""

    @property
    def short(self) -> str:
        """ "43 %, 12 s left"."""
        return self._unless_counted(self.done, self.left or self.speed)

    @property
    def full(self) -> str:
        """ "43 %, 250 MB/s, 12 s left"."""
        return self._unless_counted(self.done, self.speed, self.left)

    def _unless_counted(self, *figures: str) -> str:
        """What is being done at last, when all that is counted was done and the job has not ended."""
        return self.what if self.share == 1 else ", ".join(filter(None, (self.stage, *figures)))


def advance_of(stored: StoredJob, moment: datetime) -> Advance | None:
    """None for a job that does not run, or has not said yet how far it is."""
    state = stored.job.state
    if not isinstance(state, Running) or state.progress is None:
        return None
    progress = state.progress
    share = min(progress.done / progress.total, 1.0) if progress.total else None
    what, done = shown(progress.what), count(progress.done) if progress.done else ""
    percent = done if share is None else f"{share:.0%}".replace("%", " %")
    stage = stage_of(what)
    pace = pace_of(state, moment) if stored.worker is not None and stored.worker.lives and not stage else None
    if pace is None:
        return Advance(what, share, percent, "", "", stage)
    speed = rate(pace.per_second, 1) if stored.job.spec.task in IN_BYTES else frequency(pace.per_second)
    return Advance(what, share, percent, speed, f"{duration(pace.seconds_left)} left" if pace.seconds_left else "")


def bar(share: float, width: int) -> str:
    """In `width` cells."""
    full = round(share * width)
    return GLYPHS.full * full + GLYPHS.shades[1] * (width - full)
