"""Scheduling: which job a worker takes next and why others wait; how a worker claims a job and gives it back."""

from collections.abc import Iterable, Iterator, Sequence

from engine.errors import DiskFullError
from engine.jobs.recovery import continues
from engine.jobs.slots import Slot, fits
from engine.store.connection import StoreConnection, atomic
from engine.store.job_states import Failed, Held, Running, State, Waiting, now
from engine.store.jobs import Job, change, find_job, jobs_in, uncount_attempt


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


def claim(connection: StoreConnection, worker: int, slot: Slot) -> Job | None:
    """The next job for `slot`, which is this worker's from now on."""
    if next_job(jobs_in(connection, Waiting), slot) is None:
        return None  # without having kept anybody from writing
    with atomic(connection):
        job = next_job(jobs_in(connection, Waiting), slot)
        if job is None or not change(connection, job, Running(worker, now())):
            return None
        return find_job(connection, job.id)


def settle(connection: StoreConnection, job: Job, state: State) -> bool:
    """Bring a claimed job into its end state. False when it was taken away meanwhile: then nothing is written."""
    with atomic(connection):
        is_ours = change(connection, job, state)
        if is_ours and isinstance(state, Failed):
            for other, held in held_behind(job, state, jobs_in(connection, Waiting)):
                change(connection, other, held)
        return is_ours


def put_back(connection: StoreConnection, job: Job) -> bool:
    """Let a claimed job wait again as if it had not been begun. False when it was taken away meanwhile.

    One that continues stays begun: its next attempt must know that what it finds may be its own.
    """
    with atomic(connection):
        is_ours = change(connection, job, Waiting())
        if is_ours and not continues(job.spec):
            uncount_attempt(connection, job.id)
        return is_ours


def held_behind(failed: Job, state: Failed, waiting: Sequence[Job]) -> Iterator[tuple[Job, Held]]:
    """The jobs that would fail for the same reason, and how they are kept from it: a full disk stays full."""
    if state.error["kind"] != DiskFullError.__name__ or failed.spec.batch is None:
        return
    for job in waiting:
        if job.spec.batch == failed.spec.batch and job.spec.task == failed.spec.task:
            yield job, Held(f"the disk was too full for job {failed.id} of its batch", behind=failed.id)
