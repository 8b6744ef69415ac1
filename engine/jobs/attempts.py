"""One attempt at a job: from the claimed job to the state that it ends in."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.errors import DlecError
from engine.jobs.inputs import require_unchanged
from engine.jobs.leftovers import continues, discard_output
from engine.jobs.log_entries import append, beginning, ending, opened_log
from engine.jobs.slots import Slot
from engine.jobs.task_processes import TaskProcesses
from engine.jobs.watch import Interruption, Reason, Watch
from engine.protocol import as_data
from engine.store.job_states import Cancelled, Done, Failed, Running, State, Stop, Waiting, now
from engine.store.jobs import Job
from engine.tasks.process import tail_of

PATIENCE_SECONDS = 30
"""How long a merge that is begun again waits for what a dead worker left running to let go of its output."""


def attempt(job: Job, processes: TaskProcesses, watch: Watch, slot: Slot, log: Path) -> State | None:
    """Do what the job asks for. Gives Waiting when the worker was asked to end, None when the job was taken away."""
    assert isinstance(job.state, Running)
    append(log, beginning(job, now()))
    state = _outcome(job, job.state, processes, watch, slot, log)
    append(log, ending(state, now()))
    return state


def request_of(job: Job, slot: Slot) -> Mapping[str, Any]:
    """What the task is asked: the order's request, on this slot's device, and knowing that it was begun before."""
    request = dict(job.order.request)
    if "device" in request:
        request["device"] = str(slot)
    if continues(job.order) and job.attempts > 1:
        request |= {"patience": PATIENCE_SECONDS, "resumes": True}
    return request


def _outcome(job: Job, running: Running, processes: TaskProcesses, watch: Watch, slot: Slot, log: Path) -> State | None:
    try:
        require_unchanged(job.order.inputs)
        answer = _answer(job, processes, watch, slot, log)
        return Done(running.started_at, now(), answer)
    except DlecError as error:
        return Failed(running.started_at, now(), as_data(error))
    except Interruption as interruption:
        return _interrupted(job, running, interruption.reason)


def _interrupted(job: Job, running: Running, reason: Reason | Stop) -> State | None:
    if reason is Reason.TAKEN_AWAY:
        return None
    if reason is Reason.WORKER_ENDS:
        return Waiting()
    try:
        if reason is Stop.DISCARD:
            discard_output(job.order)
    except DlecError as error:
        return Failed(running.started_at, now(), as_data(error))
    return Cancelled(now(), running.started_at)


def _answer(job: Job, processes: TaskProcesses, watch: Watch, slot: Slot, log: Path) -> dict[str, Any]:
    asked = {"task": job.order.task, "request": request_of(job, slot), "log": str(log)}
    with opened_log(log) as talk, processes.process_for(job.order.task, talk) as process:
        said_before = log.stat().st_size
        return process.answer(asked, watch.progressed, watch.tick, lambda: tail_of(log, said_before))
