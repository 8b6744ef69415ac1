"""Jobs: what was asked for, and how far it is.

Written with the standard library alone, because the interface process submits them. What changes a job is called inside
`atomic`, so that what was read before is still true.
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
    """A name that engine.tasks knows."""
    request: Mapping[str, Any]
    """What the task is asked; JSON."""
    title: str
    """What a person calls it: "merge plan.yaml into ./out"."""
    inputs: Mapping[str, str]
    """The directory of each checkpoint that is read, and its fingerprint when the job was submitted."""
    slot: str = "cpu"
    """The device that is wanted: "cpu", "cuda" (any of them), "cuda:1", "cuda:0-3"."""
    priority: int = 0
    """Higher goes first."""
    batch: str | None = None
    """Common to the jobs that were queued together."""


@dataclass(frozen=True, slots=True)
class Setbacks:
    """What the deaths of its workers have cost a job."""

    in_a_row: int = 0
    """Workers that died one after another without bringing the job further."""
    most_progress: int = 0
    """The most progress of an attempt whose worker died, in the task's unit."""


@dataclass(frozen=True, slots=True)
class Job:
    """One request to do a task."""

    id: int
    uuid: str
    """The same in every store that it is copied to."""
    submitted_at: datetime
    attempts: int
    """How often a worker began it."""
    spec: JobSpec
    state: State
    setbacks: Setbacks = Setbacks()

    @property
    def state_name(self) -> str:
        return STATE_NAMES[type(self.state)]


def add_job(connection: StoreConnection, spec: JobSpec) -> int:
    """Put a waiting job behind all others of its priority. Gives its id."""
    sql = f"""INSERT INTO jobs (uuid, task, request, inputs, title, batch, slot, priority, position, submitted_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, {_LAST}, ?) RETURNING id"""
    asked = json.dumps(dict(spec.request)), json.dumps(dict(spec.inputs))
    values = (uuid.uuid4().hex, spec.task, *asked, spec.title, spec.batch, spec.slot, spec.priority)
    with atomic(connection):
        return int(connection.rows(sql, (*values, as_text(now())))[0][0])


def find_job(connection: StoreConnection, job_id: int) -> Job | None:
    found = connection.row(f"{_SELECT} WHERE id = ?", (job_id,))
    return None if found is None else _job(found)


def jobs_in(connection: StoreConnection, *states: type[State]) -> tuple[Job, ...]:
    """The jobs in any of these states (all jobs when none is named), the one that goes first at the front."""
    names = [STATE_NAMES[state] for state in states or STATE_NAMES]
    where = f"WHERE state IN ({', '.join('?' * len(names))})"
    return tuple(_job(row) for row in connection.rows(f"{_SELECT} {where} {_IN_ORDER}", tuple(names)))


def change(connection: StoreConnection, job: Job, state: State) -> bool:
    """Bring `job` into another state, unless it has left the one that it is known in. Says whether it was done.

    Beginning it counts as an attempt.
    """
    columns = state_columns(state)
    attempts = job.attempts + isinstance(state, Running)
    known = job.state.worker if isinstance(job.state, Running) else None
    sql = f"""UPDATE jobs SET attempts = ?, {", ".join(f"{column} = ?" for column in columns)}
        WHERE id = ? AND state = ? AND attempts = ? AND worker_id IS ? RETURNING id"""
    with atomic(connection):
        return bool(connection.rows(sql, (attempts, *columns.values(), job.id, job.state_name, job.attempts, known)))


def uncount_attempt(connection: StoreConnection, job_id: int) -> None:
    """Forget that a worker began it."""
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
    """Note when a worker's job was begun, by a clock that was set since."""
    with atomic(connection):
        sql = "UPDATE jobs SET started_at = ? WHERE id = ? AND worker_id = ?"
        connection.execute(sql, (as_text(started_at), job_id, worker))


def save_progress(connection: StoreConnection, job_id: int, worker: int, progress: Progress) -> None:
    """Note how far a worker's job is; a job that is no longer its own is left alone."""
    columns = progress_columns(progress)
    sql = f"UPDATE jobs SET {', '.join(f'{column} = ?' for column in columns)} WHERE id = ? AND worker_id = ?"
    with atomic(connection):
        connection.execute(sql, (*columns.values(), job_id, worker))


def ask_to_stop(connection: StoreConnection, job_id: int, stop: Stop) -> bool:
    """Ask whoever runs the job to end it. Says whether somebody runs it."""
    sql = "UPDATE jobs SET requested_stop = ? WHERE id = ? AND state = 'running' RETURNING id"
    with atomic(connection):
        return bool(connection.rows(sql, (stop, job_id)))


def place_job(connection: StoreConnection, job_id: int, priority: int, position: float) -> None:
    """Where it goes among those that wait."""
    with atomic(connection):
        connection.execute("UPDATE jobs SET priority = ?, position = ? WHERE id = ?", (priority, position, job_id))


def remove_jobs(connection: StoreConnection, job_ids: Iterable[int]) -> None:
    with atomic(connection):
        connection.executemany("DELETE FROM jobs WHERE id = ?", [(job_id,) for job_id in job_ids])


def _job(row: tuple[Any, ...]) -> Job:
    found = dict(zip(_SELECTED, row, strict=True))
    spec = JobSpec(
        task=found["task"],
        request=json.loads(found["request"]),
        title=found["title"],
        inputs=json.loads(found["inputs"]),
        slot=found["slot"],
        priority=found["priority"],
        batch=found["batch"],
    )
    submitted_at = as_moment(found["submitted_at"])
    setbacks = Setbacks(found["stalled_attempts"], found["most_progress"])
    return Job(found["id"], found["uuid"], submitted_at, found["attempts"], spec, state_of(found), setbacks)
