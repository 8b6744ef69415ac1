"""Scheduling: which job a worker takes next and why others wait; how a worker claims a job and gives it back."""

from collections.abc import Iterable, Iterator, Sequence

from engine.errors import DiskFullError
from engine.jobs.recovery import continues
from engine.jobs.slots import Slot, fits
from engine.store.connection import StoreConnection, atomic
from engine.store.job_states import Failed, Held, Running, State, Waiting, now
from engine.store.jobs import Job, change, find_job, jobs_in, uncount_attempt
from engine.units import plural


def next_job(waiting: Iterable[Job], slot: Slot) -> Job | None:
    """Return the first job that may run on `slot`. waiting: in the order of the queue."""
    return next((job for job in waiting if fits(job.spec.slot, slot)), None)


def why_waiting(job: Job, waiting: Sequence[Job], slots: Sequence[Slot], workers: Sequence[Slot]) -> str:
    """Explain why a job is waiting.

    waiting: all waiting jobs, in the order of the queue; slots: the configured slots; workers: the slot of each live
    worker on this host.
    """
    requested = job.spec.slot
    if not any(fits(requested, slot) for slot in (*slots, *workers)):
        return f"no slot {requested} on this host, only {', '.join(dict.fromkeys(map(str, slots)))}"
    takers = [slot for slot in workers if fits(requested, slot)]
    if not takers:
        return f"no worker for {requested} is running: dlec jobs start"
    before = sum(any(fits(other.spec.slot, slot) for slot in takers) for other in waiting[: waiting.index(job)])
    return f"{plural(before, 'job')} ahead" if before else "next"


def claim(connection: StoreConnection, worker: int, slot: Slot) -> Job | None:
    """Claim the next job for `slot`, or return None if no job is waiting for it."""
    if next_job(jobs_in(connection, Waiting), slot) is None:
        return None  # without a write lock
    with atomic(connection):
        job = next_job(jobs_in(connection, Waiting), slot)
        if job is None or not change(connection, job, Running(worker, now())):
            return None
        return find_job(connection, job.id)


def settle(connection: StoreConnection, job: Job, state: State) -> bool:
    """Save the end state of a claimed job. Return False, and save nothing, if it no longer belongs to the worker."""
    with atomic(connection):
        is_ours = change(connection, job, state)
        if is_ours and isinstance(state, Failed):
            for other, held in blocked_by(job, state, jobs_in(connection, Waiting)):
                change(connection, other, held)
        return is_ours


def put_back(connection: StoreConnection, job: Job) -> bool:
    """Put a claimed job back in the queue without counting the attempt. Return False if it has been released.

    The attempt of a resumable job is counted: the next attempt must know that a partial output may be its own.
    """
    with atomic(connection):
        is_ours = change(connection, job, Waiting())
        if is_ours and not continues(job.spec):
            uncount_attempt(connection, job.id)
        return is_ours


def blocked_by(failed: Job, state: Failed, waiting: Sequence[Job]) -> Iterator[tuple[Job, Held]]:
    """Yield the jobs that would fail for the same reason, a full disk, with the state that holds them."""
    if state.error["kind"] != DiskFullError.__name__ or failed.spec.batch is None:
        return
    for job in waiting:
        if job.spec.batch == failed.spec.batch and job.spec.task == failed.spec.task:
            yield job, Held(f"the disk was too full for job {failed.id} of its batch", blocked_by=failed.id)
