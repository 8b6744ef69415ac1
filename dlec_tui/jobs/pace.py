"""How fast a running job is, and how long it will take.

Its worker measures it, by a clock that nobody sets and without what an earlier attempt had done. A worker of an older
version does not: there it is derived from when the job was begun and how far it is.
"""

from dataclasses import dataclass
from datetime import datetime

from engine.store.job_states import Running


@dataclass(frozen=True, slots=True)
class Pace:
    """The mean of this attempt at this stage."""

    per_second: float
    """In the unit of the job's progress."""
    seconds_left: float | None
    """None where it is not known how much there is to do."""


def pace_of(running: Running, moment: datetime) -> Pace | None:
    """At `moment`; None before anything is done."""
    progress = running.progress
    per_second = None if progress is None else progress.per_second or _derived(running, progress.done, moment)
    if progress is None or per_second is None:
        return None
    left = (progress.total - progress.done) / per_second if progress.total else None
    return Pace(per_second, None if left is None else max(0.0, left))


def _derived(running: Running, done: int, moment: datetime) -> float | None:
    seconds = (moment - running.started_at).total_seconds()
    return done / seconds if done > 0 and seconds > 0 else None
