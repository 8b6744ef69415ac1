"""Workers: the registered processes that run jobs."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.store.connection import StoreConnection, atomic
from engine.store.job_states import as_moment, as_text, now

_SELECT = "SELECT id, slot, host, boot, lock_file, pid, started_at, heartbeat_at FROM workers"


@dataclass(frozen=True, slots=True)
class Worker:
    """A process that runs jobs, or a dead one that has not been recovered from."""

    id: int
    slot: str
    """Device of the worker: "cpu", "cuda:1", "cuda:0-3"."""
    host: str
    boot: str
    """Boot id and process namespace of the host."""
    lock_file: str
    """Path of the file that the worker keeps locked while it is alive."""
    pid: int
    started_at: datetime
    heartbeat_at: datetime
    """Time of the last heartbeat."""


def add_worker(connection: StoreConnection, slot: str, host: str, boot: str, lock_file: str, pid: int) -> int:
    """Register a worker. Return its id, which is never reused in this store."""
    sql = """INSERT INTO workers (slot, host, boot, lock_file, pid, started_at, heartbeat_at)
        VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id"""
    moment = as_text(now())
    with atomic(connection):
        return int(connection.rows(sql, (slot, host, boot, lock_file, pid, moment, moment))[0][0])


def all_workers(connection: StoreConnection) -> tuple[Worker, ...]:
    """Return all registered workers, the oldest first."""
    return tuple(map(_worker, connection.rows(f"{_SELECT} ORDER BY id")))


def find_worker(connection: StoreConnection, worker_id: int) -> Worker | None:
    """Return a worker; None if it has unregistered."""
    row = connection.row(f"{_SELECT} WHERE id = ?", (worker_id,))
    return None if row is None else _worker(row)


def quiet_seconds(worker: Worker, moment: datetime) -> float:
    """Return the seconds since the last heartbeat; at least 0, even if the clocks of two hosts differ."""
    return max(0.0, (moment - worker.heartbeat_at).total_seconds())


def save_heartbeat(connection: StoreConnection, worker_id: int) -> bool:
    """Update a worker's heartbeat. Return False if it is not registered."""
    sql = "UPDATE workers SET heartbeat_at = ? WHERE id = ? RETURNING id"
    with atomic(connection):
        return bool(connection.rows(sql, (as_text(now()), worker_id)))


def remove_worker(connection: StoreConnection, worker_id: int) -> None:
    """Unregister a worker, which must not have a running job."""
    with atomic(connection):
        connection.execute("DELETE FROM workers WHERE id = ?", (worker_id,))


def _worker(row: tuple[Any, ...]) -> Worker:
    worker_id, slot, host, boot, lock_file, pid, started_at, heartbeat_at = row
    return Worker(worker_id, slot, host, boot, lock_file, pid, as_moment(started_at), as_moment(heartbeat_at))
