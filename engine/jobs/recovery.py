"""Recovery of jobs whose worker died, and removal of what their attempts left on the disk."""

import contextlib
from datetime import datetime
from pathlib import Path

from engine.errors import MachineError
from engine.hosts import this_host
from engine.jobs.liveness import Liveness, liveness_of
from engine.protocol import as_data
from engine.store.connection import StoreConnection, atomic
from engine.store.job_states import Cancelled, Failed, Running, State, Stop, Waiting, now
from engine.store.jobs import Job, JobSpec, Setbacks, change, find_job, jobs_in, place_last, save_setbacks
from engine.store.workers import Worker, all_workers, remove_worker
from engine.tasks.specs import spec_of


def continues(spec: JobSpec) -> bool:
    """Whether an attempt goes on where the one before it stopped."""
    return spec_of(spec.task).is_resumable


def discard_output(job: Job) -> None:
    """Remove the partial output of a job's attempts, but not that of other runs.

    Raises UsageError while another process is merging into the same output, MachineError if it cannot be removed.
    """
    if continues(job.spec) and job.attempts:
        from engine.merge.publish import discard  # late: it brings all of merging, and the screen asks nothing of it

        discard(Path(job.spec.request["out"]), job.uuid)


_MOST_ATTEMPTS = 2
"""Maximum attempts of a task that restarts from the beginning, before the job is assumed to kill the workers."""
_MOST_SETBACKS = 3
"""Maximum consecutive attempts without progress of a resumable task."""


def recovered(job: Job, moment: datetime) -> State:
    """Return the new state of a running job whose worker is dead."""
    assert isinstance(job.state, Running)
    if job.state.stop is not None:
        return Cancelled(moment, job.state.started_at)
    is_given_up = setbacks_of(job).in_a_row >= _MOST_SETBACKS if continues(job.spec) else job.attempts >= _MOST_ATTEMPTS
    return Failed(job.state.started_at, moment, as_data(_given_up(job))) if is_given_up else Waiting()


def setbacks_of(job: Job) -> Setbacks:
    """Return a running job's setbacks, including the death of its worker. Progress resets the count."""
    assert isinstance(job.state, Running)
    done = job.state.progress.done if job.state.progress else 0
    if done > job.setbacks.most_progress:
        return Setbacks(0, done)
    return Setbacks(job.setbacks.in_a_row + 1, job.setbacks.most_progress)


def recover(connection: StoreConnection) -> list[Job]:
    """Recover from every dead worker of this host: its jobs, which are returned, its row and its lock."""
    if not _dead(connection):
        return []  # without a write lock
    with atomic(connection):
        dead = _dead(connection)
        taken = [job for worker in dead for job in _taken_from(connection, worker)]
    for worker in dead:
        with contextlib.suppress(OSError):  # it may be in a directory of another user
            Path(worker.lock_file).unlink(missing_ok=True)
    for job in taken:
        _clear_up_after(job)
    return [current for job in taken if (current := find_job(connection, job.id))]


def recover_own(connection: StoreConnection, worker: int) -> None:
    """Recover the job of a live worker that is not running it: an error occurred between claim and end."""
    with atomic(connection):
        for job in jobs_in(connection, Running):
            if isinstance(job.state, Running) and job.state.worker == worker:
                _take(connection, job, now())


def _dead(connection: StoreConnection) -> list[Worker]:
    host = this_host()
    return [worker for worker in all_workers(connection) if liveness_of(worker, host) is Liveness.DEAD]


def _taken_from(connection: StoreConnection, worker: Worker) -> list[Job]:
    """Recover a worker's jobs; return them as the worker left them."""
    moment = now()
    jobs = [job for job in jobs_in(connection, Running) if _is_run_by(job, worker)]
    for job in jobs:
        _take(connection, job, moment)
    remove_worker(connection, worker.id)
    return jobs


def _take(connection: StoreConnection, job: Job, moment: datetime) -> None:
    """Recover one job. After two workers in a row have died of it, it goes to the end of the queue."""
    setbacks = setbacks_of(job)
    change(connection, job, recovered(job, moment))
    save_setbacks(connection, job.id, setbacks)
    if setbacks.in_a_row > 1:
        place_last(connection, job.id)


def _clear_up_after(job: Job) -> None:
    """Remove the partial output if the dead worker had been asked to."""
    if isinstance(job.state, Running) and job.state.stop is Stop.DISCARD:
        with contextlib.suppress(Exception):  # the job has ended; its partial output can be resumed, or removed by hand
            discard_output(job)


def _is_run_by(job: Job, worker: Worker) -> bool:
    return isinstance(job.state, Running) and job.state.worker == worker.id


def _given_up(job: Job) -> MachineError:
    times = (
        f"{_MOST_SETBACKS} times in a row without progress"
        if continues(job.spec)
        else f"{job.attempts} times and never finished"
    )
    return MachineError(
        f"{job.spec.task} was started {times}",
        why="its worker died each time, perhaps out of memory",
        fix=f"See its log: dlec jobs logs {job.id}. To try again: dlec jobs retry {job.id}",
    )
