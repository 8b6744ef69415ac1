"""Looks after a running job: what its task says goes to the store, and what the store says reaches the task."""

import contextlib
import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from engine.errors import MachineError
from engine.jobs.heartbeat import Heartbeat
from engine.jobs.signals import EndingSignals
from engine.jobs.store_access import StoreAccess
from engine.machine.clock import steady_seconds
from engine.store.connection import StoreConnection
from engine.store.job_states import Progress, Running, Stop, now
from engine.store.jobs import Job, find_job, move_start, save_progress

PROGRESS_SECONDS = 0.25
"""Between two notes of how far a job is."""
_CLOCK_DRIFT = timedelta(seconds=2)
"""Difference between wall clock and steady clock above which the wall clock counts as changed, in seconds."""


class Reason(Enum):
    """Why an attempt ends early, apart from a user's wish."""

    TAKEN_AWAY = "taken away"
    """The job is not this worker's any more."""
    WORKER_ENDS = "worker ends"
    """A signal asked it to."""


class Interruption(Exception):  # noqa: N818 (nothing is wrong)
    """The attempt is to end now."""

    def __init__(self, reason: Reason | Stop) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Stage:
    """A stretch of a job over which its progress counts up."""

    total: int
    started_at: float
    """Steady-clock time, in seconds."""
    done_before: int
    """What earlier attempts had done, or earlier stages had counted."""
    done: int

    def now_at(self, done: int, total: int, seconds: float) -> "Stage":
        """This one a little later, or the next one."""
        if total != self.total or done < self.done:
            return Stage(total, seconds, done, done)
        return replace(self, done=done)

    def per_second(self, seconds: float) -> float | None:
        """None before anything was done."""
        passed, done = seconds - self.started_at, self.done - self.done_before
        return done / passed if passed > 0 and done > 0 else None


class Monitor:
    """Over one job, from the moment when it is begun."""

    def __init__(self, access: StoreAccess, heartbeat: Heartbeat, signals: EndingSignals, job: Job) -> None:
        assert isinstance(job.state, Running)
        self._access = access
        self._heartbeat = heartbeat
        self._signals = signals
        self._job = job
        self._worker = job.state.worker
        self._noted_start = job.state.started_at
        self._began = steady_seconds()
        self._stage: Stage | None = None
        self._unwritten: Progress | None = None
        self._written_at = 0.0

    @property
    def started_at(self) -> datetime:
        """When the attempt began by the clock as it is now: what it took is right however the clock was set."""
        started_at = now() - timedelta(seconds=steady_seconds() - self._began)
        return started_at if abs(started_at - self._noted_start) > _CLOCK_DRIFT else self._noted_start

    def progressed(self, done: int, total: int, what: str) -> None:
        """Called as often as the task has something to say."""
        seconds = steady_seconds()
        self._stage = self._stage.now_at(done, total, seconds) if self._stage else Stage(total, seconds, done, done)
        self._unwritten = Progress(done, total, what, self._stage.per_second(seconds))
        if time.monotonic() - self._written_at >= PROGRESS_SECONDS:
            self._write_progress()

    def tick(self) -> None:
        """Called several times a second. Raises Interruption.

        A store that cannot be reached for a moment is no reason to end an hour's work.
        """
        if self._signals.have_come:
            raise Interruption(Reason.WORKER_ENDS)
        self._write_progress()
        with contextlib.suppress(Exception):  # it is about other workers and their jobs, which must not end this one
            self._heartbeat.beat()
        with contextlib.suppress(MachineError), self._access.connection() as connection:
            self._heed_the_clock(connection)
            self._heed_the_store(connection)

    def _write_progress(self) -> None:
        if self._unwritten is None:
            return
        with contextlib.suppress(MachineError), self._access.connection() as connection:
            save_progress(connection, self._job.id, self._worker, self._unwritten)
        self._unwritten, self._written_at = None, time.monotonic()

    def _heed_the_clock(self, connection: StoreConnection) -> None:
        started_at = self.started_at
        if started_at != self._noted_start:
            move_start(connection, self._job.id, self._worker, started_at)
            self._noted_start = started_at

    def _heed_the_store(self, connection: StoreConnection) -> None:
        job = find_job(connection, self._job.id)
        if job is None or not isinstance(job.state, Running) or job.state.worker != self._worker:
            raise Interruption(Reason.TAKEN_AWAY)
        if job.state.stop is not None:
            raise Interruption(job.state.stop)
