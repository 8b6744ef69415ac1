"""Workers: the processes that run jobs, as they registered themselves."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.store.connection import StoreConnection, atomic
from engine.store.job_states import as_moment, as_text, now

_SELECT = "SELECT id, slot, host, boot, lock_file, pid, started_at, heartbeat_at FROM workers"


@dataclass(frozen=True, slots=True)
class Worker:
    """One process that runs jobs, alive or not."""

    id: int
    slot: str
    """The device that it works on: "cpu", "cuda:1", "cuda:0-3"."""
    host: str
    boot: str
    """Which start of which system on that host."""
    lock_file: str
    """The file that it holds locked as long as it lives."""
    pid: int
    started_at: datetime
    heartbeat_at: datetime
    """When it last said that it lives."""


def add_worker(connection: StoreConnection, slot: str, host: str, boot: str, lock_file: str, pid: int) -> int:
    """Register a worker. Gives its id, which no other worker of this store ever has."""
    sql = """INSERT INTO workers (slot, host, boot, lock_file, pid, started_at, heartbeat_at)
        VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id"""
    moment = as_text(now())
    with atomic(connection):
        return int(connection.rows(sql, (slot, host, boot, lock_file, pid, moment, moment))[0][0])


def all_workers(connection: StoreConnection) -> tuple[Worker, ...]:
    """The one that registered first at the front."""
    return tuple(map(_worker, connection.rows(f"{_SELECT} ORDER BY id")))


def find_worker(connection: StoreConnection, worker_id: int) -> Worker | None:
    """None when it has ended and was forgotten."""
    found = connection.row(f"{_SELECT} WHERE id = ?", (worker_id,))
    return None if found is None else _worker(found)


def quiet_seconds(worker: Worker, moment: datetime) -> float:
    """Since it last said that it lives; 0 where the clocks of two machines differ."""
    return max(0.0, (moment - worker.heartbeat_at).total_seconds())


def see_worker(connection: StoreConnection, worker_id: int) -> bool:
    """Note that a worker lives. False when the store does not know it (any more)."""
    sql = "UPDATE workers SET heartbeat_at = ? WHERE id = ? RETURNING id"
    with atomic(connection):
        return bool(connection.rows(sql, (as_text(now()), worker_id)))


def remove_worker(connection: StoreConnection, worker_id: int) -> None:
    """Forget a worker that has ended. No job may be running in its name any more."""
    with atomic(connection):
        connection.execute("DELETE FROM workers WHERE id = ?", (worker_id,))


def _worker(row: tuple[Any, ...]) -> Worker:
    worker_id, slot, host, boot, lock_file, pid, started_at, heartbeat_at = row
    return Worker(worker_id, slot, host, boot, lock_file, pid, as_moment(started_at), as_moment(heartbeat_at))
