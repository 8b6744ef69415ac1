"""The worker: runs jobs one after another, and waits out errors of its store."""

import contextlib
import sqlite3
import sys
import traceback
from contextlib import ExitStack
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol

from engine.errors import DlecError, MachineError
from engine.jobs.attempt import TaskProcesses, attempt, unstorable
from engine.jobs.heartbeat import Heartbeat, registered
from engine.jobs.logs import job_log
from engine.jobs.monitor import Monitor
from engine.jobs.recovery import recover_own
from engine.jobs.scheduling import claim, put_back, settle
from engine.jobs.signals import EndingSignals
from engine.jobs.slots import Slot
from engine.jobs.store_access import StoreAccess
from engine.machine.clock import steady_seconds
from engine.processes import lower_priority
from engine.store.job_states import State, Waiting, as_text, now
from engine.store.jobs import Job, find_job

POLL_SECONDS = 1.0
"""Time between two checks for a job."""
WARM_POLL_SECONDS = 0.2
"""Time between two checks while models are loaded, when a user is probably working."""
RETRY_SECONDS = 5.0
"""Time between two attempts to use a store after an error."""
PATIENCE_SECONDS = 12 * 3600.0
"""Maximum time a worker waits for its store: a night, so that work goes on when the disk comes back."""


class Listener(Protocol):
    """Receiver of a worker's events."""

    def started(self, job: Job) -> None: ...

    def ended(self, job: Job) -> None:
        """job: its new state; waiting if the worker was asked to exit."""
        ...


class _NoListener:
    """Ignores the events."""

    def started(self, job: Job) -> None: ...

    def ended(self, job: Job) -> None: ...


NO_LISTENER = _NoListener()


class Outcome(Enum):
    """Reason why a worker exited."""

    NOTHING_LEFT = "nothing left"
    """No job was waiting for its slot during the idle time."""
    ASKED = "asked"
    """A signal arrived. The running job was put back in the queue."""


def work(
    store: Path, slot: Slot, *, idle_seconds: float, listener: Listener = NO_LISTENER, until_empty: bool = False
) -> Outcome:
    """Run the jobs of `slot` until no job has been waiting for `idle_seconds`, or until the queue is empty.

    For the main thread of a separate process. Raises UsageError if all workers of the slot are running, MachineError if
    the store cannot be used: immediately at the start, later after PATIENCE_SECONDS.
    """
    lower_priority()
    with ExitStack() as stack:
        signals = stack.enter_context(EndingSignals())
        access = stack.enter_context(StoreAccess(store))
        heartbeat = stack.enter_context(registered(access, store, slot))
        processes = stack.enter_context(TaskProcesses(slot))
        worker = _Worker(store, slot, access, heartbeat, signals, processes, listener, Outage())
        return worker.work(0 if until_empty else idle_seconds)


class Outage:
    """A period in which errors recur until their cause is gone."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._reported = ""

    @property
    def lasts(self) -> bool:
        return self._since is not None

    def report(self, error: Exception, patience: float) -> None:
        """Print an error unless it repeats the last one. Raises it once errors have recurred for `patience` seconds."""
        if self._since is None:
            self._since = steady_seconds()
        if steady_seconds() - self._since >= patience:
            raise error
        if repr(error) != self._reported:
            self._reported = repr(error)
            text = error.line if isinstance(error, DlecError) else "".join(traceback.format_exception(error)).rstrip()
            _print(f"{text}\nRetrying until it works.")

    def end(self) -> None:
        """End the period, and print that it is over."""
        if self._since is not None:
            _print("Works again.")
        self._since, self._reported = None, ""


def _print(text: str) -> None:
    print(f"=== {as_text(now())} UTC  {text}", file=sys.stderr, flush=True)


@dataclass(frozen=True)
class _Worker:
    """A worker's loop, with the objects that it uses."""

    store: Path
    slot: Slot
    access: StoreAccess
    heartbeat: Heartbeat
    signals: EndingSignals
    processes: TaskProcesses
    listener: Listener
    outage: Outage

    def work(self, idle_seconds: float) -> Outcome:
        idle_since = steady_seconds()
        while not self.signals.have_come:
            try:
                job = self._next()
                self.outage.end()
                if job is not None:
                    self._do(job)
                    idle_since = steady_seconds()
                elif steady_seconds() - idle_since >= idle_seconds and self.heartbeat.leave_if_idle():
                    return Outcome.NOTHING_LEFT
                else:
                    self.signals.wait(WARM_POLL_SECONDS if self.processes.is_warm else POLL_SECONDS)
            except Exception as error:  # an error of one job must not end the worker
                self._wait_out(error)
        self._leave()
        return Outcome.ASKED

    def _next(self) -> Job | None:
        self.heartbeat.beat()
        with self.access.connection() as connection:
            if self.outage.lasts:
                recover_own(connection, self.heartbeat.worker)
            return claim(connection, self.heartbeat.worker, self.slot)

    def _do(self, job: Job) -> None:
        self.listener.started(job)
        monitor = Monitor(self.access, self.heartbeat, self.signals, job)
        state = attempt(job, self.processes, monitor, self.slot, job_log(self.store, job.id))
        if state is not None and self._let_go(job, state):
            with self.access.connection() as connection:
                ended = find_job(connection, job.id)
            if ended is not None:
                self.listener.ended(ended)

    def _let_go(self, job: Job, state: State) -> bool:
        """Save the end of a job, trying until the store accepts it or a signal arrives.

        Return False if the job no longer belongs to this worker. A state that the store rejects becomes a failure.
        """
        while True:
            try:
                with self.access.connection() as connection:
                    return put_back(connection, job) if isinstance(state, Waiting) else settle(connection, job, state)
            except Exception as error:
                if self._wait_out(error):
                    raise
                if not isinstance(error, MachineError):
                    state = unstorable(job, error)

    def _wait_out(self, error: Exception) -> bool:
        """Report an error and pause. Return True if a signal has arrived. Raises an error that lasts too long."""
        self.outage.report(error, PATIENCE_SECONDS)
        self.heartbeat.doubt()
        return self.signals.wait(RETRY_SECONDS)

    def _leave(self) -> None:
        """Unregister. If that fails, another worker recovers our job once the lock is free."""
        with contextlib.suppress(MachineError, sqlite3.IntegrityError):
            self.heartbeat.leave()
