"""How fast a running job is, and how long it will take: derived from when it was begun and how far it is."""

from dataclasses import dataclass
from datetime import datetime

from engine.store.job_states import Running


@dataclass(frozen=True, slots=True)
class Pace:
    """The mean since the job was begun."""

    per_second: float
    """In the unit of the job's progress."""
    seconds_left: float | None
    """None where it is not known how much there is to do."""


def pace_of(running: Running, moment: datetime) -> Pace | None:
    """At `moment`; None before anything is done."""
    seconds = (moment - running.started_at).total_seconds()
    progress = running.progress
    if progress is None or progress.done <= 0 or seconds <= 0:
        return None
    per_second = progress.done / seconds
    left = (progress.total - progress.done) / per_second if progress.total else None
    return Pace(per_second, None if left is None else max(0.0, left))
