"""The queue: what users do with jobs. Each function is one transaction; none waits for a job to finish.

All raise UsageError for a job that does not exist or whose state does not allow the operation, and MachineError if the
store cannot be written.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from engine.errors import UsageError, shown
from engine.hosts import this_host
from engine.jobs.liveness import Liveness, liveness_of
from engine.jobs.logs import job_log
from engine.jobs.recovery import discard_output
from engine.locks import QUIET_SECONDS
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
"""Reason of a job that a user has held."""


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
    """Queue all jobs or none. Return their ids, in the order given."""
    with _queue(store) as connection:
        return [add_job(connection, spec) for spec in specs]


def cancel(store: Path, job_id: int, stop: Stop) -> Job:
    """Cancel a job. A running one is cancelled by its worker, which takes a moment.

    The partial output of a merge is removed, or kept for a retry with Stop.KEEP. Also raises the errors of removing it.
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
        cancelled = known_job(connection, job_id)
    if isinstance(cancelled.state, Cancelled) and stop is Stop.DISCARD:
        discard_output(cancelled)
    return cancelled


def hold(store: Path, job_id: int) -> Job:
    """Hold a waiting job, so that no worker starts it."""
    with _queue(store) as connection:
        job = known_job(connection, job_id)
        if not isinstance(job.state, Waiting):
            raise _cannot(job, "held", "Only waiting jobs can be held. To stop a running job: dlec jobs cancel --keep")
        change(connection, job, Held(ON_REQUEST))
        return known_job(connection, job_id)


def release(store: Path, job_id: int, *, force: bool = False) -> Job:
    """Put a held job, or the running job of a dead worker, back in the queue.

    A worker on another host counts as alive until it has had no heartbeat for QUIET_SECONDS. force: put its job back
    regardless.
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
    """Put failed or cancelled jobs, and the jobs that they block, back in the queue; by default all failed jobs.

    Return the ids of all jobs that are now waiting.
    """
    with _queue(store) as connection:
        jobs = [known_job(connection, job_id) for job_id in job_ids] or list(jobs_in(connection, Failed))
        if not jobs:
            raise UsageError("there is no job to retry", why="no job has failed")
        if wrong := next((job for job in jobs if not isinstance(job.state, Failed | Cancelled)), None):
            raise _cannot(wrong, "retried", "Only failed or cancelled jobs can be retried.")
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
            raise _cannot(job, "moved", "Only waiting or held jobs can be moved.")
        others = [other for other in jobs_in(connection, Waiting, Held) if other.id != job_id]
        at = _index_of(to, job_id, others)
        priority = others[min(at, len(others) - 1)].spec.priority if others else job.spec.priority
        for position, each in enumerate([*others[:at], job, *others[at:]]):
            place_job(connection, each.id, priority if each is job else each.spec.priority, position)
        return known_job(connection, job_id)


def clear(store: Path, job_ids: Sequence[int] = ()) -> list[int]:
    """Delete ended jobs and their logs, but not their outputs; by default all done and cancelled jobs."""
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
    """Return the job with this id. Raises UsageError for an unknown id."""
    job = find_job(connection, job_id)
    if job is None:
        raise UsageError(f"there is no job {job_id}", fix="To list all jobs: dlec jobs list --all")
    return job


def _cannot(job: Job, what: str, fix: str = "") -> UsageError:
    is_it = "it failed" if isinstance(job.state, Failed) else f"it is {job.state_name}"
    return UsageError(f"job {job.id} cannot be {what}", why=is_it, fix=fix)


def _require_gone(connection: StoreConnection, job: Job, worker_id: int, *, force: bool) -> None:
    """Raises UsageError, with process and last heartbeat, if the worker may be alive."""
    worker = find_worker(connection, worker_id)
    liveness = None if worker is None else liveness_of(worker, this_host())
    fix = f"To cancel it: dlec jobs cancel {job.id}"
    if worker is None or liveness is Liveness.DEAD:
        return
    if liveness is Liveness.ALIVE:
        why = f"process {worker.pid} is running it"
        raise UsageError(f"job {job.id} cannot be released", why=why, fix=fix)
    if not force and quiet_seconds(worker, now()) < QUIET_SECONDS:
        why = f"{_heartbeat_text(worker)}, so it is probably running"
        raise UsageError(
            f"job {job.id} cannot be released",
            why=why,
            fix=f"{fix}\nIf that host is down: dlec jobs release {job.id}",
        )


def _heartbeat_text(worker: Worker) -> str:
    """Describe the last heartbeat: "process 4711 on node7 had its last heartbeat 12 s ago"."""
    return (
        f"process {worker.pid} on {shown(worker.host)} had its last heartbeat {quiet_seconds(worker, now()):.0f} s ago"
    )


def _is_dead(connection: StoreConnection, worker_id: int) -> bool:
    worker = find_worker(connection, worker_id)
    return worker is None or liveness_of(worker, this_host()) is Liveness.DEAD


def _is_behind(job: Job, job_ids: set[int]) -> bool:
    return isinstance(job.state, Held) and job.state.blocked_by in job_ids


def _index_of(to: QueuePosition, job_id: int, others: Sequence[Job]) -> int:
    """Return the job's index among the others, which are in the order of the queue."""
    match to:
        case First():
            return 0
        case Last():
            return len(others)
        case Before(before):
            at = next((at for at, other in enumerate(others) if other.id == before), None)
            if at is None:
                why = "it is the same job" if before == job_id else "it is not waiting"
                raise UsageError(f"job {job_id} cannot be moved before job {before}", why=why)
            return at
