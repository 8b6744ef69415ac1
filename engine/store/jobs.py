"""Jobs: requests to run a task, and their states.

Written without sqlite-utils, because the interface process submits jobs. Call functions that change a job inside
`atomic`, so that what was read before is still current.
"""

import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.store.connection import StoreConnection, atomic
from engine.store.job_states import (
    COLUMNS,
    STATE_NAMES,
    Progress,
    Running,
    State,
    Stop,
    as_moment,
    as_text,
    now,
    progress_columns,
    state_columns,
    state_of,
)

_SELECTED = (
    *("id", "uuid", "submitted_at", "attempts", "task", "request", "title", "inputs", "slot", "priority", "batch"),
    *("stalled_attempts", "most_progress"),
    *COLUMNS,
)
_SELECT = f"SELECT {', '.join(_SELECTED)} FROM jobs"
_IN_ORDER = "ORDER BY priority DESC, position, id"
_LAST = "(SELECT coalesce(max(position), 0) + 1 FROM jobs)"


@dataclass(frozen=True, slots=True)
class JobSpec:
    """A request to run a task: what a job is made from."""

    task: str
    """Name of the task in engine.tasks.specs."""
    request: Mapping[str, Any]
    """The task's request, as JSON."""
    title: str
    """Title for people: "merge plan.yaml into ./out"."""
    inputs: Mapping[str, str]
    """Directory of each checkpoint that is read, to its fingerprint when the job was submitted."""
    slot: str = "cpu"
    """Requested device: "cpu", "cuda" (any GPU), "cuda:1", "cuda:0-3"."""
    priority: int = 0
    """Higher-priority jobs run first."""
    batch: str | None = None
    """Name shared by the jobs that were queued together."""


@dataclass(frozen=True, slots=True)
class Setbacks:
    """Attempts of a job that ended with the death of their worker."""

    in_a_row: int = 0
    """Consecutive attempts that made no progress."""
    most_progress: int = 0
    """Most progress of such an attempt, in the task's unit."""


@dataclass(frozen=True, slots=True)
class Job:
    """One request to do a task."""

    id: int
    uuid: str
    """Id that stays the same in every store that the job is copied to."""
    submitted_at: datetime
    attempts: int
    """Number of times that a worker started it."""
    spec: JobSpec
    state: State
    setbacks: Setbacks = Setbacks()

    @property
    def state_name(self) -> str:
        return STATE_NAMES[type(self.state)]


def add_job(connection: StoreConnection, spec: JobSpec) -> int:
    """Add a waiting job after all others of its priority. Return its id."""
    sql = f"""INSERT INTO jobs (uuid, task, request, inputs, title, batch, slot, priority, position, submitted_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, {_LAST}, ?) RETURNING id"""
    data = json.dumps(dict(spec.request)), json.dumps(dict(spec.inputs))
    values = (uuid.uuid4().hex, spec.task, *data, spec.title, spec.batch, spec.slot, spec.priority)
    with atomic(connection):
        return int(connection.rows(sql, (*values, as_text(now())))[0][0])


def find_job(connection: StoreConnection, job_id: int) -> Job | None:
    row = connection.row(f"{_SELECT} WHERE id = ?", (job_id,))
    return None if row is None else _job(row)


def jobs_in(connection: StoreConnection, *states: type[State]) -> tuple[Job, ...]:
    """Return the jobs in any of these states (default: all jobs), in the order of the queue."""
    names = [STATE_NAMES[state] for state in states or STATE_NAMES]
    where = f"WHERE state IN ({', '.join('?' * len(names))})"
    return tuple(_job(row) for row in connection.rows(f"{_SELECT} {where} {_IN_ORDER}", tuple(names)))


def change(connection: StoreConnection, job: Job, state: State) -> bool:
    """Change the state of `job`, unless its state in the store has changed. Return True on success.

    A change to Running counts as an attempt.
    """
    columns = state_columns(state)
    attempts = job.attempts + isinstance(state, Running)
    known = job.state.worker if isinstance(job.state, Running) else None
    sql = f"""UPDATE jobs SET attempts = ?, {", ".join(f"{column} = ?" for column in columns)}
        WHERE id = ? AND state = ? AND attempts = ? AND worker_id IS ? RETURNING id"""
    with atomic(connection):
        return bool(connection.rows(sql, (attempts, *columns.values(), job.id, job.state_name, job.attempts, known)))


def uncount_attempt(connection: StoreConnection, job_id: int) -> None:
    """Subtract an attempt."""
    with atomic(connection):
        connection.execute("UPDATE jobs SET attempts = attempts - 1 WHERE id = ?", (job_id,))


def save_setbacks(connection: StoreConnection, job_id: int, setbacks: Setbacks) -> None:
    sql = "UPDATE jobs SET stalled_attempts = ?, most_progress = ? WHERE id = ?"
    with atomic(connection):
        connection.execute(sql, (setbacks.in_a_row, setbacks.most_progress, job_id))


def place_last(connection: StoreConnection, job_id: int) -> None:
    """Move the job to the end of the queue for its priority."""
    with atomic(connection):
        connection.execute(f"UPDATE jobs SET position = {_LAST} WHERE id = ?", (job_id,))


def move_start(connection: StoreConnection, job_id: int, worker: int, started_at: datetime) -> None:
    """Correct the start time of a worker's job after the system clock was changed."""
    with atomic(connection):
        sql = "UPDATE jobs SET started_at = ? WHERE id = ? AND worker_id = ?"
        connection.execute(sql, (as_text(started_at), job_id, worker))


def save_progress(connection: StoreConnection, job_id: int, worker: int, progress: Progress) -> None:
    """Save the progress of a worker's job, if the job still belongs to that worker."""
    columns = progress_columns(progress)
    sql = f"UPDATE jobs SET {', '.join(f'{column} = ?' for column in columns)} WHERE id = ? AND worker_id = ?"
    with atomic(connection):
        connection.execute(sql, (*columns.values(), job_id, worker))


def ask_to_stop(connection: StoreConnection, job_id: int, stop: Stop) -> bool:
    """Ask the worker of a running job to end it. Return False if the job is not running."""
    sql = "UPDATE jobs SET requested_stop = ? WHERE id = ? AND state = 'running' RETURNING id"
    with atomic(connection):
        return bool(connection.rows(sql, (stop, job_id)))


def place_job(connection: StoreConnection, job_id: int, priority: int, position: float) -> None:
    """Set a job's position in the queue."""
    with atomic(connection):
        connection.execute("UPDATE jobs SET priority = ?, position = ? WHERE id = ?", (priority, position, job_id))


def remove_jobs(connection: StoreConnection, job_ids: Iterable[int]) -> None:
    with atomic(connection):
        connection.executemany("DELETE FROM jobs WHERE id = ?", [(job_id,) for job_id in job_ids])


def _job(row: tuple[Any, ...]) -> Job:
    columns = dict(zip(_SELECTED, row, strict=True))
    spec = JobSpec(
        task=columns["task"],
        request=json.loads(columns["request"]),
        title=columns["title"],
        inputs=json.loads(columns["inputs"]),
        slot=columns["slot"],
        priority=columns["priority"],
        batch=columns["batch"],
    )
    submitted_at = as_moment(columns["submitted_at"])
    setbacks = Setbacks(columns["stalled_attempts"], columns["most_progress"])
    return Job(columns["id"], columns["uuid"], submitted_at, columns["attempts"], spec, state_of(columns), setbacks)
