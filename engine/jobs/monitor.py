"""Monitor of a running job: writes its progress to the store, and passes requests in the store to its task."""

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
"""Time between two updates of a job's progress."""
_CLOCK_DRIFT = timedelta(seconds=2)
"""Difference between wall clock and steady clock above which the wall clock counts as changed, in seconds."""


class Reason(Enum):
    """Reason why an attempt ends early, other than a user's request."""

    RELEASED = "released"
    """The job no longer belongs to this worker."""
    WORKER_EXITS = "worker exits"
    """A signal asked the worker to exit."""


class Interruption(Exception):  # noqa: N818 (not an error)
    """A request to end the attempt now."""

    def __init__(self, reason: Reason | Stop) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of a job over which its progress counts up."""

    total: int
    started_at: float
    """Steady-clock time, in seconds."""
    done_before: int
    """Progress at the start of this stage, by earlier attempts or stages."""
    done: int

    def now_at(self, done: int, total: int, seconds: float) -> "Stage":
        """Return this stage with new progress, or the next stage."""
        if total != self.total or done < self.done:
            return Stage(total, seconds, done, done)
        return replace(self, done=done)

    def per_second(self, seconds: float) -> float | None:
        """Speed of this stage; None before any progress."""
        passed, done = seconds - self.started_at, self.done - self.done_before
        return done / passed if passed > 0 and done > 0 else None


class Monitor:
    """Monitor of one job, from its start."""

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
        """Start time by the current system clock, so that durations are correct after the clock was changed."""
        started_at = now() - timedelta(seconds=steady_seconds() - self._began)
        return started_at if abs(started_at - self._noted_start) > _CLOCK_DRIFT else self._noted_start

    def progressed(self, done: int, total: int, what: str) -> None:
        """Record progress; called as often as the task reports it."""
        seconds = steady_seconds()
        self._stage = self._stage.now_at(done, total, seconds) if self._stage else Stage(total, seconds, done, done)
        self._unwritten = Progress(done, total, what, self._stage.per_second(seconds))
        if time.monotonic() - self._written_at >= PROGRESS_SECONDS:
            self._write_progress()

    def tick(self) -> None:
        """Write progress and check for requests; called several times a second. Raises Interruption.

        Errors of the store are ignored: a short outage must not end an hour's work.
        """
        if self._signals.have_come:
            raise Interruption(Reason.WORKER_EXITS)
        self._write_progress()
        with contextlib.suppress(Exception):  # it concerns other workers and their jobs, and must not end this one
            self._heartbeat.beat()
        with contextlib.suppress(MachineError), self._access.connection() as connection:
            self._check_clock(connection)
            self._check_store(connection)

    def _write_progress(self) -> None:
        if self._unwritten is None:
            return
        with contextlib.suppress(MachineError), self._access.connection() as connection:
            save_progress(connection, self._job.id, self._worker, self._unwritten)
        self._unwritten, self._written_at = None, time.monotonic()

    def _check_clock(self, connection: StoreConnection) -> None:
        started_at = self.started_at
        if started_at != self._noted_start:
            move_start(connection, self._job.id, self._worker, started_at)
            self._noted_start = started_at

    def _check_store(self, connection: StoreConnection) -> None:
        job = find_job(connection, self._job.id)
        if job is None or not isinstance(job.state, Running) or job.state.worker != self._worker:
            raise Interruption(Reason.RELEASED)
        if job.state.stop is not None:
            raise Interruption(job.state.stop)
