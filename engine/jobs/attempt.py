"""One attempt at a job, from the claimed job to its end state."""

import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.checkpoint.checkpoint import open_checkpoint
from engine.checkpoint.fingerprint import fingerprint
from engine.errors import CheckpointError, DlecError, UnexpectedError, contained
from engine.jobs.logs import append, beginning, ending, opened_log
from engine.jobs.monitor import Interruption, Monitor, Reason
from engine.jobs.recovery import continues, discard_output
from engine.jobs.slots import Slot
from engine.jobs.task_processes import TaskProcesses
from engine.plan.patches import patch_fingerprint
from engine.protocol import as_data
from engine.store.job_states import Cancelled, Done, Failed, Running, State, Stop, Waiting, now
from engine.store.jobs import Job
from engine.tasks.process import tail_of

PATIENCE_SECONDS = 30
"""How long a merge that is begun again waits for what a dead worker left running to let go of its output."""


def attempt(job: Job, processes: TaskProcesses, monitor: Monitor, slot: Slot, log: Path) -> State | None:
    """Do what the job asks for. Gives Waiting when the worker was asked to end, None when the job was taken away."""
    assert isinstance(job.state, Running)
    append(log, beginning(job, now()))
    state = _outcome(job, processes, monitor, slot, log)
    append(log, ending(state, now()))
    return state


def request_of(job: Job, slot: Slot) -> Mapping[str, Any]:
    """What the task is asked: the job's request, on this slot's device, and knowing that it was begun before."""
    request = dict(job.spec.request)
    if "device" in request:
        request["device"] = str(slot)
    if continues(job.spec) and job.attempts > 1:
        request |= {"patience": PATIENCE_SECONDS, "resumes": True}
    return request


def unstorable(job: Job, error: Exception) -> Failed:
    """What a job becomes whose end the store does not take."""
    assert isinstance(job.state, Running)
    found = contained(f"how {job.spec.task} ended cannot be stored", error)
    return Failed(job.state.started_at, now(), as_data(found))


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
    if reason is Reason.TAKEN_AWAY:
        return None
    if reason is Reason.WORKER_ENDS:
        return Waiting()
    try:
        if reason is Stop.DISCARD:
            discard_output(job)
    except Exception as error:
        return _failed(job, monitor, error, log)
    return Cancelled(now(), monitor.started_at)


def _failed(job: Job, monitor: Monitor, error: Exception, log: Path) -> Failed:
    """Whatever was raised, the job has failed; what nobody expected leaves its traceback in the log."""
    if not isinstance(error, DlecError):
        append(log, "".join(traceback.format_exception(error)).rstrip())
    found = contained(f"{job.spec.task} failed", error)
    if isinstance(found, UnexpectedError):
        found.fix = f"This is a defect: its traceback is in the log. See dlec jobs logs {job.id}"
    return Failed(monitor.started_at, now(), as_data(found))


def _answer(job: Job, processes: TaskProcesses, monitor: Monitor, slot: Slot, log: Path) -> dict[str, Any]:
    request = {**request_of(job, slot), **({"job": job.uuid} if continues(job.spec) else {})}
    asked = {"task": job.spec.task, "request": request, "log": str(log)}
    with opened_log(log) as talk, processes.process_for(job.spec.task, talk) as process:
        said_before = log.stat().st_size
        return process.answer(asked, monitor.progressed, monitor.tick, lambda: tail_of(log, said_before))


def require_unchanged(inputs: Mapping[str, str]) -> None:
    """inputs: checkpoint directories and patch files, and their fingerprints when the job was submitted.

    Raises CheckpointError for one that has changed, is broken or gone; MachineError for one that cannot be read.
    """
    for name, before in inputs.items():
        path = Path(name)
        found = patch_fingerprint(path) if path.is_file() else fingerprint(open_checkpoint(path))
        if found != before:
            raise CheckpointError(
                f"{path} has changed since the job was submitted",
                why=f"its fingerprint was {before} and is {found} now",
                fix="Submit the job again if it is meant to be as it is now.",
            )
