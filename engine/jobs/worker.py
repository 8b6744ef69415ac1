"""The worker: takes one job after another, as long as there are any."""

import time
from contextlib import ExitStack, closing
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol

from engine.errors import MachineError
from engine.jobs.attempts import attempt
from engine.jobs.claims import claim, put_back, settle
from engine.jobs.logs import job_log
from engine.jobs.presence import Presence, present
from engine.jobs.signals import EndingSignals
from engine.jobs.slots import Slot
from engine.jobs.task_processes import TaskProcesses
from engine.jobs.watch import Watch
from engine.processes import lower_priority
from engine.store.connection import StoreConnection
from engine.store.database import open_for_jobs
from engine.store.job_states import State, Waiting
from engine.store.jobs import Job, find_job

POLL_SECONDS = 1.0
"""Between two looks for a job."""
WARM_POLL_SECONDS = 0.2
"""The same while models are loaded: somebody is at work, and waits."""
_RETRY_SECONDS = 5.0
"""Between two tries to write how a job ended into a store that cannot be written."""


class Listener(Protocol):
    """Is told what a worker does."""

    def begun(self, job: Job) -> None: ...

    def ended(self, job: Job) -> None:
        """The job as it is now: waiting again when the worker was asked to end."""
        ...


class _Nobody:
    """Listens to workers in the background."""

    def begun(self, job: Job) -> None: ...

    def ended(self, job: Job) -> None: ...


NOBODY = _Nobody()


class Outcome(Enum):
    """Why a worker ended."""

    NOTHING_LEFT = "nothing left"
    """No job waited for its slot, for as long as it was to wait for one."""
    ASKED = "asked"
    """A signal came. The job that ran then waits again."""


def work(
    store: Path, slot: Slot, *, idle_seconds: float, listener: Listener = NOBODY, until_empty: bool = False
) -> Outcome:
    """Be the worker of `slot` until no job has waited for `idle_seconds`, or at all with `until_empty`.

    For the main thread of a process of its own. Raises UsageError when the slot has its workers already, MachineError
    when the store cannot be used.
    """
    lower_priority()
    with ExitStack() as stack:
        signals = stack.enter_context(EndingSignals())
        connection = stack.enter_context(closing(open_for_jobs(store)))
        presence = stack.enter_context(present(connection, store, slot))
        processes = stack.enter_context(TaskProcesses(slot))
        worker = _Worker(store, slot, connection, presence, signals, processes, listener)
        return worker.work(0 if until_empty else idle_seconds)


@dataclass(frozen=True)
class _Worker:
    """What it works with."""

    store: Path
    slot: Slot
    connection: StoreConnection
    presence: Presence
    signals: EndingSignals
    processes: TaskProcesses
    listener: Listener

    def work(self, idle_seconds: float) -> Outcome:
        idle_since = time.monotonic()
        while not self.signals.have_come:
            self.presence.beat()
            job = claim(self.connection, self.presence.worker, self.slot)
            if job is not None:
                self._do(job)
                idle_since = time.monotonic()
            elif time.monotonic() - idle_since >= idle_seconds and self.presence.leave_if_idle():
                return Outcome.NOTHING_LEFT
            else:
                self.signals.wait(WARM_POLL_SECONDS if self.processes.is_warm else POLL_SECONDS)
        self.presence.leave()
        return Outcome.ASKED

    def _do(self, job: Job) -> None:
        self.listener.begun(job)
        watch = Watch(self.connection, self.presence, self.signals, job)
        state = attempt(job, self.processes, watch, self.slot, job_log(self.store, job.id))
        if state is not None and self._let_go(job, state):
            ended = find_job(self.connection, job.id)
            assert ended is not None
            self.listener.ended(ended)

    def _let_go(self, job: Job, state: State) -> bool:
        """False when the job was taken away meanwhile. Tries until the store takes it, or a signal comes."""
        while True:
            try:
                if isinstance(state, Waiting):
                    return put_back(self.connection, job)
                return settle(self.connection, job, state)
            except MachineError:
                if self.signals.wait(_RETRY_SECONDS):
                    raise
