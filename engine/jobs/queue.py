"""What users do to jobs. Each function is one transaction on the store; none waits for work to be done.

Raises UsageError, with the reason, for a job that does not exist or whose state forbids what is asked; MachineError
where the store cannot be written.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from engine.errors import UsageError, shown
from engine.jobs.liveness import Liveness, liveness_of
from engine.jobs.logs import job_log
from engine.jobs.recovery import discard_output
from engine.locks import QUIET_SECONDS, this_host
from engine.store.connection import StoreConnection, atomic
from engine.store.database import open_for_jobs
from engine.store.job_states import ENDED, Cancelled, Failed, Held, Running, Stop, Waiting, now
from engine.store.jobs import (
    Job,
    JobSpec,
    Setbacks,
    add_job,
    ask_to_stop,
    change,
    find_job,
    jobs_in,
    place_job,
    remove_jobs,
    save_setbacks,
)
from engine.store.workers import Worker, find_worker, quiet_seconds

ON_REQUEST = "on request"
"""Why a job is held that a user held."""


@dataclass(frozen=True, slots=True)
class First:
    """Ahead of all other waiting jobs."""


@dataclass(frozen=True, slots=True)
class Last:
    """After all other waiting jobs."""


@dataclass(frozen=True, slots=True)
class Before:
    """Directly ahead of another waiting job."""

    job_id: int


QueuePosition: TypeAlias = First | Last | Before


def submit(store: Path, specs: Sequence[JobSpec]) -> list[int]:
    """Queue all of them or none. Gives their ids, in the order given."""
    with _queue(store) as connection:
        return [add_job(connection, spec) for spec in specs]


def cancel(store: Path, job_id: int, stop: Stop) -> Job:
    """End a job: at once when nobody runs it, else its worker is asked, which takes a moment.

    What an unfinished merge has written is removed, or with Stop.KEEP kept for a retry. Raises also what removing does.
    """
    with _queue(store) as connection:
        job = known_job(connection, job_id)
        match job.state:
            case Waiting() | Held():
                change(connection, job, Cancelled(now()))
            case Running(worker, started_at) if _is_dead(connection, worker):
                change(connection, job, Cancelled(now(), started_at))
            case Running():
                ask_to_stop(connection, job_id, stop)
            case _:
                raise _cannot(job, "cancelled")
        found = known_job(connection, job_id)
    if isinstance(found.state, Cancelled) and stop is Stop.DISCARD:
        discard_output(found)
    return found


def hold(store: Path, job_id: int) -> Job:
    """Keep a waiting job from being begun."""
    with _queue(store) as connection:
        job = known_job(connection, job_id)
        if not isinstance(job.state, Waiting):
            raise _cannot(job, "held", "Only a waiting job can; a running one can be cancelled with --keep.")
        change(connection, job, Held(ON_REQUEST))
        return known_job(connection, job_id)


def release(store: Path, job_id: int, *, force: bool = False) -> Job:
    """Let a held job wait again, or take a running one from a worker that is gone.

    Whether a worker of another machine is gone cannot be seen from here: it counts as alive until nothing was heard of
    it for QUIET_SECONDS. force: take the job from it at once, because the user knows better.
    """
    with _queue(store) as connection:
        job = known_job(connection, job_id)
        match job.state:
            case Held():
                change(connection, job, Waiting())
            case Running(worker):
                _require_gone(connection, job, worker, force=force)
                change(connection, job, Waiting())
            case _:
                raise _cannot(job, "released")
        return known_job(connection, job_id)


def retry(store: Path, job_ids: Sequence[int]) -> list[int]:
    """Queue failed or cancelled jobs again, and those that are held behind them; every failed one when none is named.

    Gives the ids of all that wait now because of it.
    """
    with _queue(store) as connection:
        jobs = [known_job(connection, job_id) for job_id in job_ids] or list(jobs_in(connection, Failed))
        if not jobs:
            raise UsageError("there is no job to retry", why="none has failed")
        if wrong := next((job for job in jobs if not isinstance(job.state, Failed | Cancelled)), None):
            raise _cannot(wrong, "retried", "Only a failed or cancelled one can.")
        behind = {job.id for job in jobs}
        held = [job for job in jobs_in(connection, Held) if _is_behind(job, behind)]
        for job in (*jobs, *held):
            change(connection, job, Waiting())
            save_setbacks(connection, job.id, Setbacks())
        return [job.id for job in (*jobs, *held)]


def reorder(store: Path, job_id: int, to: QueuePosition) -> Job:
    """Move a waiting or held job to another position in the queue; it takes the priority found there."""
    with _queue(store) as connection:
        job = known_job(connection, job_id)
        if not isinstance(job.state, Waiting | Held):
            raise _cannot(job, "moved", "Only one that waits or is held can.")
        others = [other for other in jobs_in(connection, Waiting, Held) if other.id != job_id]
        at = _index_of(to, job_id, others)
        priority = others[min(at, len(others) - 1)].spec.priority if others else job.spec.priority
        for position, each in enumerate([*others[:at], job, *others[at:]]):
            place_job(connection, each.id, priority if each is job else each.spec.priority, position)
        return known_job(connection, job_id)


def clear(store: Path, job_ids: Sequence[int] = ()) -> list[int]:
    """Forget ended jobs and their logs, never what they wrote: those named, or every one that is done or cancelled."""
    with _queue(store) as connection:
        jobs = [known_job(connection, job_id) for job_id in job_ids]
        if wrong := next((job for job in jobs if not isinstance(job.state, ENDED)), None):
            raise _cannot(wrong, "cleared", "Cancel it first.")
        ended = [job.id for job in jobs or jobs_in(connection, *ENDED) if job_ids or not isinstance(job.state, Failed)]
        remove_jobs(connection, ended)
    for job_id in ended:
        job_log(store, job_id).unlink(missing_ok=True)
    return ended


@contextmanager
def _queue(store: Path) -> Iterator[StoreConnection]:
    with closing(open_for_jobs(store)) as connection, atomic(connection):
        yield connection


def known_job(connection: StoreConnection, job_id: int) -> Job:
    """Raises UsageError for an id that no job has."""
    job = find_job(connection, job_id)
    if job is None:
        raise UsageError(f"there is no job {job_id}", fix="See which there are: dlec jobs list --all")
    return job


def _cannot(job: Job, what: str, fix: str = "") -> UsageError:
    is_it = "it has failed" if isinstance(job.state, Failed) else f"it is {job.state_name}"
    return UsageError(f"job {job.id} cannot be {what}", why=is_it, fix=fix)


def _require_gone(connection: StoreConnection, job: Job, worker_id: int, *, force: bool) -> None:
    """Raises UsageError, saying where it runs and when that was heard of last."""
    worker = find_worker(connection, worker_id)
    found = None if worker is None else liveness_of(worker, this_host())
    fix = f"End it: dlec jobs cancel {job.id}"
    if worker is None or found is Liveness.DEAD:
        return
    if found is Liveness.ALIVE:
        why = f"process {worker.pid} is running it"
        raise UsageError(f"job {job.id} cannot be released", why=why, fix=fix)
    if not force and quiet_seconds(worker, now()) < QUIET_SECONDS:
        why = f"{_heard(worker)}, so it is probably running there"
        raise UsageError(
            f"job {job.id} cannot be released",
            why=why,
            fix=f"{fix}\nIf that machine is gone: dlec jobs release {job.id}",
        )


def _heard(worker: Worker) -> str:
    """ "process 4711 on node7 was heard of 12 s ago"."""
    return f"process {worker.pid} on {shown(worker.host)} was heard of {quiet_seconds(worker, now()):.0f} s ago"


def _is_dead(connection: StoreConnection, worker_id: int) -> bool:
    worker = find_worker(connection, worker_id)
    return worker is None or liveness_of(worker, this_host()) is Liveness.DEAD


def _is_behind(job: Job, job_ids: set[int]) -> bool:
    return isinstance(job.state, Held) and job.state.behind in job_ids


def _index_of(to: QueuePosition, job_id: int, others: Sequence[Job]) -> int:
    """How many of the others, which stand in the order of the queue, go before the job."""
    match to:
        case First():
            return 0
        case Last():
            return len(others)
        case Before(before):
            at = next((at for at, other in enumerate(others) if other.id == before), None)
            if at is None:
                why = "that is the job itself" if before == job_id else "it does not wait"
                raise UsageError(f"nothing can be placed before job {before}", why=why)
            return at
