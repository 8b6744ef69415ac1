"""A worker among others: it registers, shows that it lives, and leaves when nothing is left for it."""

import contextlib
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import UsageError
from engine.jobs.liveness import Liveness, held, liveness_of, locks_directory
from engine.jobs.logs import worker_log
from engine.jobs.recovery import recover
from engine.jobs.scheduling import next_job
from engine.jobs.settings import job_settings
from engine.jobs.slots import Slot
from engine.jobs.store_access import StoreAccess
from engine.locks import BEAT_SECONDS, HeldLock, this_host
from engine.store.connection import StoreConnection, atomic
from engine.store.job_states import Waiting
from engine.store.jobs import jobs_in
from engine.store.workers import Worker, add_worker, all_workers, remove_worker, see_worker


class Heartbeat:
    """A registered worker."""

    def __init__(self, access: StoreAccess, worker: int, slot: Slot, lock: HeldLock) -> None:
        self.worker = worker
        """Its id in the store."""
        self._access = access
        self._slot = slot
        self._lock = lock
        self._beaten_at = time.monotonic()
        self._is_known = True

    def beat(self) -> None:
        """When it is time: say that it lives, and take over from those that do not."""
        if self._is_known and time.monotonic() - self._beaten_at < BEAT_SECONDS:
            return
        self._beaten_at = time.monotonic()
        with contextlib.suppress(OSError):  # a sign of life that could not be given is no reason to end a job
            self._lock.touch()
        with self._access.connection() as connection:
            if not see_worker(connection, self.worker):  # the file was replaced by another store, or an earlier copy
                self.worker = _registered(connection, self._slot, self._lock)
            recover(connection)
        self._is_known = True

    def doubt(self) -> None:
        """After an error: have the next beat come at once, and find out whether the store still knows this worker."""
        self._is_known = False

    def leave(self) -> None:
        """Whatever waits."""
        with self._access.connection() as connection:
            remove_worker(connection, self.worker)

    def leave_if_idle(self) -> bool:
        """Unless a job waits for it. In one step: whoever submits a job later does not find it any more."""
        with self._access.connection() as connection, atomic(connection):
            if next_job(jobs_in(connection, Waiting), self._slot) is not None:
                return False
            remove_worker(connection, self.worker)
            return True


@contextmanager
def registered(access: StoreAccess, store: Path, slot: Slot) -> Iterator[Heartbeat]:
    """Be a worker of `slot`, after having taken over from those that died.

    Raises UsageError when as many as are configured live here already. An exception inside leaves worker and job to
    whoever finds the lock free.
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
    """The workers of this machine that live."""
    host = this_host()
    return tuple(worker for worker in all_workers(connection) if liveness_of(worker, host) is Liveness.ALIVE)


def _require_free(connection: StoreConnection, store: Path, slot: Slot) -> None:
    places = max(1, job_settings(store).slots.count(slot))
    there = [worker for worker in living(connection) if worker.slot == str(slot)]
    if len(there) >= places:
        raise UsageError(
            f"a worker for {slot} is running already",
            why=f"process {', '.join(str(worker.pid) for worker in there)}, which writes to {worker_log(store, slot)}",
            fix="It takes every job for this slot; config.toml can give it more workers.",
        )
