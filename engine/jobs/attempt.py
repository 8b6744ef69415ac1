"""One attempt at a job, from the claimed job to its end state, and the processes that its task runs in."""

import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from engine.checkpoint.checkpoint import open_checkpoint
from engine.checkpoint.fingerprint import fingerprint
from engine.errors import CheckpointError, DlecError, MachineError, UnexpectedError, contained
from engine.jobs.logs import append, beginning, ending, opened_log
from engine.jobs.monitor import Interruption, Monitor, Reason
from engine.jobs.recovery import continues, discard_output
from engine.jobs.slots import Slot
from engine.plan.patches import patch_fingerprint
from engine.protocol import as_data
from engine.store.job_states import Cancelled, Done, Failed, Running, State, Stop, Waiting, now
from engine.store.jobs import Job
from engine.tasks.process import TASK_MODULE, EngineProcess, tail_of
from engine.tasks.specs import spec_of


class TaskProcesses:
    """Task processes of one slot; a context that ends them."""

    def __init__(self, slot: Slot) -> None:
        self._name = f"tasks on {slot}"
        self._resident: EngineProcess | None = None

    def __enter__(self) -> "TaskProcesses":
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self._end_resident()

    @property
    def is_warm(self) -> bool:
        """Return True if models may be loaded."""
        return self._resident is not None and self._resident.is_alive

    @contextmanager
    def process_for(self, task: str, log: BinaryIO) -> Iterator[EngineProcess]:
        """Yield a process for one request; its earlier output goes to `log`."""
        spec = spec_of(task)
        if not spec.needs_device:
            with EngineProcess([TASK_MODULE, task], log, online=spec.is_online) as process:
                yield process
        else:
            try:
                yield self._living_resident(log)
            except MachineError:  # the device or its memory may be in a bad state
                self._end_resident()
                raise

    def _living_resident(self, log: BinaryIO) -> EngineProcess:
        if self._resident is None or not self._resident.is_alive:
            self._end_resident()
            self._resident = EngineProcess([TASK_MODULE, self._name], log)
        return self._resident

    def _end_resident(self) -> None:
        if self._resident is not None:
            self._resident.kill()
            self._resident = None


PATIENCE_SECONDS = 30
"""Time that a retried merge waits for the orphaned process of a dead worker to release its output."""


def attempt(job: Job, processes: TaskProcesses, monitor: Monitor, slot: Slot, log: Path) -> State | None:
    """Run a job. Return Waiting if the worker was asked to exit, None if the job no longer belongs to the worker."""
    assert isinstance(job.state, Running)
    append(log, beginning(job, now()))
    state = _outcome(job, processes, monitor, slot, log)
    append(log, ending(state, now()))
    return state


def request_of(job: Job, slot: Slot) -> Mapping[str, Any]:
    """Return the task's request: the job's request, with this slot's device, and with `resumes` for a retry."""
    request = dict(job.spec.request)
    if "device" in request:
        request["device"] = str(slot)
    if continues(job.spec) and job.attempts > 1:
        request |= {"patience": PATIENCE_SECONDS, "resumes": True}
    return request


def unstorable(job: Job, error: Exception) -> Failed:
    """Return the end state of a job whose real end state the store rejects."""
    assert isinstance(job.state, Running)
    failure = contained(f"the result of {job.spec.task} cannot be stored", error)
    return Failed(job.state.started_at, now(), as_data(failure))


def _outcome(job: Job, processes: TaskProcesses, monitor: Monitor, slot: Slot, log: Path) -> State | None:
    try:
        require_unchanged(job.spec.inputs)
        answer = _answer(job, processes, monitor, slot, log)
        return Done(monitor.started_at, now(), answer)
    except Interruption as interruption:
        return _interrupted(job, monitor, interruption.reason, log)
    except Exception as error:
        return _failed(job, monitor, error, log)


def _interrupted(job: Job, monitor: Monitor, reason: Reason | Stop, log: Path) -> State | None:
    if reason is Reason.RELEASED:
        return None
    if reason is Reason.WORKER_EXITS:
        return Waiting()
    try:
        if reason is Stop.DISCARD:
            discard_output(job)
    except Exception as error:
        return _failed(job, monitor, error, log)
    return Cancelled(now(), monitor.started_at)


def _failed(job: Job, monitor: Monitor, error: Exception, log: Path) -> Failed:
    """Turn any exception into a failure. An unexpected one leaves its traceback in the log."""
    if not isinstance(error, DlecError):
        append(log, "".join(traceback.format_exception(error)).rstrip())
    failure = contained(f"{job.spec.task} failed", error)
    if isinstance(failure, UnexpectedError):
        failure.fix = f"This is a bug; its traceback is in the log: dlec jobs logs {job.id}"
    return Failed(monitor.started_at, now(), as_data(failure))


def _answer(job: Job, processes: TaskProcesses, monitor: Monitor, slot: Slot, log: Path) -> dict[str, Any]:
    home = log.parent.parent  # logs are kept in a folder next to the store
    request = {**request_of(job, slot), **({"job": job.uuid, "home": str(home)} if continues(job.spec) else {})}
    message = {"task": job.spec.task, "request": request, "log": str(log)}
    with opened_log(log) as talk, processes.process_for(job.spec.task, talk) as process:
        said_before = log.stat().st_size
        return process.answer(message, monitor.progressed, monitor.tick, lambda: tail_of(log, said_before))


def require_unchanged(inputs: Mapping[str, str]) -> None:
    """Check that a job's inputs are unchanged: checkpoint directories and patch files, to fingerprints at submission.

    Raises CheckpointError for an input that has changed, is broken or missing; MachineError if it cannot be read.
    """
    for name, before in inputs.items():
        path = Path(name)
        current = patch_fingerprint(path) if path.is_file() else fingerprint(open_checkpoint(path))
        if current != before:
            raise CheckpointError(
                f"{path} has changed since the job was submitted",
                why=f"its fingerprint was {before} and is {current} now",
                fix="If the change was intended, submit the job again.",
            )
