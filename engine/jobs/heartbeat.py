"""Heartbeat of a worker: it registers in the store, updates its heartbeat, and unregisters at the end."""

import contextlib
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import UsageError
from engine.hosts import this_host
from engine.jobs.liveness import Liveness, held, liveness_of, locks_directory
from engine.jobs.logs import worker_log
from engine.jobs.recovery import recover
from engine.jobs.scheduling import next_job
from engine.jobs.settings import job_settings
from engine.jobs.slots import Slot
from engine.jobs.store_access import StoreAccess
from engine.locks import BEAT_SECONDS, HeldLock
from engine.store.connection import StoreConnection, atomic
from engine.store.job_states import Waiting
from engine.store.jobs import jobs_in
from engine.store.workers import Worker, add_worker, all_workers, remove_worker, save_heartbeat


class Heartbeat:
    """Registration of a worker, kept up to date."""

    def __init__(self, access: StoreAccess, worker: int, slot: Slot, lock: HeldLock) -> None:
        self.worker = worker
        """Id of the worker in the store."""
        self._access = access
        self._slot = slot
        self._lock = lock
        self._beaten_at = time.monotonic()
        self._is_known = True

    def beat(self) -> None:
        """Update the heartbeat if it is due, and recover the jobs of dead workers."""
        if self._is_known and time.monotonic() - self._beaten_at < BEAT_SECONDS:
            return
        self._beaten_at = time.monotonic()
        with contextlib.suppress(OSError):  # a failed heartbeat must not end a job
            self._lock.touch()
        with self._access.connection() as connection:
            if not save_heartbeat(connection, self.worker):  # the file is another store, or an older copy
                self.worker = _registered(connection, self._slot, self._lock)
            recover(connection)
        self._is_known = True

    def doubt(self) -> None:
        """Make the next heartbeat due now, after an error: the store may no longer have this worker."""
        self._is_known = False

    def leave(self) -> None:
        """Unregister, even if jobs are waiting."""
        with self._access.connection() as connection:
            remove_worker(connection, self.worker)

    def leave_if_idle(self) -> bool:
        """Unregister unless a job is waiting for this slot, in one transaction. Return True if unregistered."""
        with self._access.connection() as connection, atomic(connection):
            if next_job(jobs_in(connection, Waiting), self._slot) is not None:
                return False
            remove_worker(connection, self.worker)
            return True


@contextmanager
def registered(access: StoreAccess, store: Path, slot: Slot) -> Iterator[Heartbeat]:
    """Register a worker of `slot`, after recovering the jobs of dead workers.

    Raises UsageError if all configured workers of the slot are running. After an exception in the block the worker
    stays registered, and another worker recovers its job once the lock is free.
    """
    with held(locks_directory(store) / f"{uuid.uuid4().hex}.lock") as lock:
        with access.connection() as connection:
            recover(connection)
            with atomic(connection):
                _require_free(connection, store, slot)
                worker = _registered(connection, slot, lock)
        yield Heartbeat(access, worker, slot, lock)


def _registered(connection: StoreConnection, slot: Slot, lock: HeldLock) -> int:
    host = this_host()
    return add_worker(connection, str(slot), host.name, host.boot, str(lock.path), os.getpid())


def living(connection: StoreConnection) -> tuple[Worker, ...]:
    """Return the workers of this host that are alive."""
    host = this_host()
    return tuple(worker for worker in all_workers(connection) if liveness_of(worker, host) is Liveness.ALIVE)


def _require_free(connection: StoreConnection, store: Path, slot: Slot) -> None:
    places = max(1, job_settings(store).slots.count(slot))
    there = [worker for worker in living(connection) if worker.slot == str(slot)]
    if len(there) >= places:
        raise UsageError(
            f"a worker for {slot} is running already",
            why=f"process {', '.join(str(worker.pid) for worker in there)}, which writes to {worker_log(store, slot)}",
            fix="That worker runs all jobs for this slot. To run more workers, list the slot again in config.toml.",
        )
