"""Looks after a running job: what its task says goes to the store, and what the store says reaches the task."""

import contextlib
import time
from enum import Enum

from engine.errors import MachineError
from engine.jobs.presence import Presence
from engine.jobs.signals import EndingSignals
from engine.store.connection import StoreConnection
from engine.store.job_states import Progress, Running, Stop
from engine.store.jobs import Job, find_job, save_progress

PROGRESS_SECONDS = 0.25
"""Between two notes of how far a job is."""


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


class Watch:
    """Over one job."""

    def __init__(self, connection: StoreConnection, presence: Presence, signals: EndingSignals, job: Job) -> None:
        self._connection = connection
        self._presence = presence
        self._signals = signals
        self._job = job
        self._unwritten: Progress | None = None
        self._written_at = 0.0

    def progressed(self, done: int, total: int, what: str) -> None:
        """Called as often as the task has something to say."""
        self._unwritten = Progress(done, total, what)
        if time.monotonic() - self._written_at >= PROGRESS_SECONDS:
            self._write_progress()

    def tick(self) -> None:
        """Called several times a second. Raises Interruption.

        A store that cannot be reached for a moment is no reason to end an hour's work.
        """
        if self._signals.have_come:
            raise Interruption(Reason.WORKER_ENDS)
        self._write_progress()
        with contextlib.suppress(MachineError):
            self._presence.beat()
            self._heed_the_store()

    def _write_progress(self) -> None:
        if self._unwritten is None:
            return
        with contextlib.suppress(MachineError):
            save_progress(self._connection, self._job.id, self._presence.worker, self._unwritten)
        self._unwritten, self._written_at = None, time.monotonic()

    def _heed_the_store(self) -> None:
        job = find_job(self._connection, self._job.id)
        if job is None or not isinstance(job.state, Running) or job.state.worker != self._presence.worker:
            raise Interruption(Reason.TAKEN_AWAY)
        if job.state.stop is not None:
            raise Interruption(job.state.stop)
