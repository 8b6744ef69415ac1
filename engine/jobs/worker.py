"""The worker: takes one job after another, as long as there are any."""

import contextlib
import sqlite3
from contextlib import ExitStack
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol

from engine.errors import MachineError
from engine.jobs.attempt import attempt, unstorable
from engine.jobs.heartbeat import Heartbeat, registered
from engine.jobs.logs import job_log
from engine.jobs.monitor import Monitor
from engine.jobs.recovery import recover_own
from engine.jobs.scheduling import claim, put_back, settle
from engine.jobs.signals import EndingSignals
from engine.jobs.slots import Slot
from engine.jobs.store_access import StoreAccess
from engine.jobs.task_processes import TaskProcesses
from engine.jobs.trouble import Trouble
from engine.machine.clock import steady_seconds
from engine.processes import lower_priority
from engine.store.job_states import State, Waiting
from engine.store.jobs import Job, find_job

POLL_SECONDS = 1.0
"""Between two looks for a job."""
WARM_POLL_SECONDS = 0.2
"""The same while models are loaded: somebody is at work, and waits."""
RETRY_SECONDS = 5.0
"""Between two tries to use a store that cannot be used."""
PATIENCE_SECONDS = 12 * 3600.0
"""How long a worker tries: a night, so that a disk that comes back in it finds the queue being worked on."""


class Listener(Protocol):
    """Is told what a worker does."""

    def begun(self, job: Job) -> None: ...

    def ended(self, job: Job) -> None:
        """The job as it is now: waiting again when the worker was asked to end."""
        ...


class _NoListener:
    """Listens to workers in the background."""

    def begun(self, job: Job) -> None: ...

    def ended(self, job: Job) -> None: ...


NO_LISTENER = _NoListener()


class Outcome(Enum):
    """Why a worker ended."""

    NOTHING_LEFT = "nothing left"
    """No job waited for its slot, for as long as it was to wait for one."""
    ASKED = "asked"
    """A signal came. The job that ran then waits again."""


def work(
    store: Path, slot: Slot, *, idle_seconds: float, listener: Listener = NO_LISTENER, until_empty: bool = False
) -> Outcome:
    """Be the worker of `slot` until no job has waited for `idle_seconds`, or at all with `until_empty`.

    For the main thread of a process of its own. Raises UsageError when the slot has its workers already, MachineError
    when the store cannot be used: at once when it could not be used from the beginning, else after PATIENCE_SECONDS.
    """
    lower_priority()
    with ExitStack() as stack:
        signals = stack.enter_context(EndingSignals())
        access = stack.enter_context(StoreAccess(store))
        heartbeat = stack.enter_context(registered(access, store, slot))
        processes = stack.enter_context(TaskProcesses(slot))
        worker = _Worker(store, slot, access, heartbeat, signals, processes, listener, Trouble())
        return worker.work(0 if until_empty else idle_seconds)


@dataclass(frozen=True)
class _Worker:
    """What it works with."""

    store: Path
    slot: Slot
    access: StoreAccess
    heartbeat: Heartbeat
    signals: EndingSignals
    processes: TaskProcesses
    listener: Listener
    trouble: Trouble

    def work(self, idle_seconds: float) -> Outcome:
        idle_since = steady_seconds()
        while not self.signals.have_come:
            try:
                job = self._next()
                self.trouble.is_over()
                if job is not None:
                    self._do(job)
                    idle_since = steady_seconds()
                elif steady_seconds() - idle_since >= idle_seconds and self.heartbeat.leave_if_idle():
                    return Outcome.NOTHING_LEFT
                else:
                    self.signals.wait(WARM_POLL_SECONDS if self.processes.is_warm else POLL_SECONDS)
            except Exception as error:  # nothing that goes wrong with one job may take the next one's worker
                self._wait_out(error)
        self._leave()
        return Outcome.ASKED

    def _next(self) -> Job | None:
        self.heartbeat.beat()
        with self.access.connection() as connection:
            if self.trouble.lasts:
                recover_own(connection, self.heartbeat.worker)
            return claim(connection, self.heartbeat.worker, self.slot)

    def _do(self, job: Job) -> None:
        self.listener.begun(job)
        monitor = Monitor(self.access, self.heartbeat, self.signals, job)
        state = attempt(job, self.processes, monitor, self.slot, job_log(self.store, job.id))
        if state is not None and self._let_go(job, state):
            with self.access.connection() as connection:
                ended = find_job(connection, job.id)
            if ended is not None:
                self.listener.ended(ended)

    def _let_go(self, job: Job, state: State) -> bool:
        """False when the job was taken away meanwhile. Tries until the store takes it, or a signal comes.

        What no store would take, for whatever reason, is a failure.
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
        """Say what went wrong, and pause before it is tried again. True when a signal has come. Raises what lasts."""
        self.trouble.say(error, PATIENCE_SECONDS)
        self.heartbeat.doubt()
        return self.signals.wait(RETRY_SECONDS)

    def _leave(self) -> None:
        """Where the store cannot be written, or holds a job in our name, whoever finds the lock free takes over."""
        with contextlib.suppress(MachineError, sqlite3.IntegrityError):
            self.heartbeat.leave()
