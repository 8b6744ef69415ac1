"""Which job is next, and why the others wait: pure functions of what the store says."""

from collections.abc import Iterable, Sequence

from engine.jobs.slots import Slot, fits
from engine.store.jobs import Job


def next_job(waiting: Iterable[Job], slot: Slot) -> Job | None:
    """The first that may run on `slot`, of jobs in the order of the queue."""
    return next((job for job in waiting if fits(job.spec.slot, slot)), None)


def why_waiting(job: Job, waiting: Sequence[Job], slots: Sequence[Slot], workers: Sequence[Slot]) -> str:
    """What a waiting job waits for, in words.

    waiting: all that wait, in the order of the queue; slots: those that are configured; workers: those with a living
    worker on this machine, one entry each.
    """
    wanted = job.spec.slot
    if not any(fits(wanted, slot) for slot in (*slots, *workers)):
        return f"no slot {wanted} here, only {', '.join(dict.fromkeys(map(str, slots)))}"
    takers = [slot for slot in workers if fits(wanted, slot)]
    if not takers:
        return f"no worker for {wanted} is running: dlec jobs start"
    before = sum(any(fits(other.spec.slot, slot) for slot in takers) for other in waiting[: waiting.index(job)])
    return f"behind {before} other{'s' if before > 1 else ''}" if before else "next"
