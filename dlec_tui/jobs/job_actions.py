"""Changes to jobs, each with the notice it gives, and the reasons why a change is impossible.

All changes raise UsageError for a job whose state has changed, MachineError if the store cannot be written.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from dlec_tui.jobs.job_view import StoredJob, plan_text_of_job
from engine.errors import shown
from engine.jobs import launch, queue
from engine.store.database import open_for_reading
from engine.store.job_states import ENDED, Cancelled, Done, Failed, Held, Running, Stop, Waiting
from engine.store.jobs import Job, jobs_in
from engine.tasks.specs import spec_of
from engine.units import age, plural


def cancel(store: Path, job_id: int, stop: Stop) -> str:
    """Cancel a job. `stop` decides about its partial output; output of other runs always stays."""
    job = queue.cancel(store, job_id, stop)
    if not isinstance(job.state, Cancelled):
        return f"cancelling job {job_id}"
    return f"cancelled job {job_id}"


def hold(store: Path, job_id: int) -> str:
    queue.hold(store, job_id)
    return f"job {job_id} is on hold (h: release)"


def release(store: Path, job_id: int) -> str:
    queue.release(store, job_id)
    return f"job {job_id} is back in the queue"


def retry(store: Path, job_ids: Sequence[int]) -> str:
    """Retry these jobs, or all failed jobs if none is given, and start workers."""
    waiting = queue.retry(store, job_ids)
    launch.start_workers(store)
    subject = f"job {waiting[0]} is" if len(waiting) == 1 else f"{len(waiting)} jobs are"
    return f"{subject} back in the queue"


def clear(store: Path, job_ids: Sequence[int]) -> str:
    """Delete these jobs, or all done and cancelled jobs if none is given."""
    return f"{plural(len(queue.clear(store, job_ids)), 'job')} deleted"


def start(store: Path) -> str:
    started = launch.start_workers(store)
    slots = ", ".join(str(each.slot) for each in started)
    return f"started a worker for {slots}" if slots else "every slot has a worker"


def move_up(store: Path, job_id: int) -> str:
    """Move a job up by one position. No notice: the list shows the change."""
    return _move(store, job_id, place_above)


def move_down(store: Path, job_id: int) -> str:
    return _move(store, job_id, place_below)


def place_above(job_id: int, queued: Sequence[Job]) -> queue.QueuePosition | None:
    """New position of a job that moves up by one; None if it cannot. queued: jobs in the order of the queue."""
    alike = _alike(job_id, queued)
    at = alike.index(job_id) if job_id in alike else 0
    return queue.Before(alike[at - 1]) if at else None


def place_below(job_id: int, queued: Sequence[Job]) -> queue.QueuePosition | None:
    """New position of a job that moves down by one; None if it cannot."""
    alike = _alike(job_id, queued)
    behind = alike[alike.index(job_id) + 1 :] if job_id in alike else []
    if not behind:
        return None
    others = [other.id for other in queued if other.id != job_id]
    after = others[others.index(behind[0]) + 1 :]
    return queue.Before(after[0]) if after else queue.Last()


def _alike(job_id: int, queued: Sequence[Job]) -> list[int]:
    """Jobs in the same state: the list shows waiting and held jobs separately."""
    state = next((type(job.state) for job in queued if job.id == job_id), None)
    return [job.id for job in queued if type(job.state) is state]


def _move(store: Path, job_id: int, find: Callable[[int, Sequence[Job]], queue.QueuePosition | None]) -> str:
    with closing(open_for_reading(store)) as connection:
        place = find(job_id, jobs_in(connection, Waiting, Held))
    if place is not None:
        queue.reorder(store, job_id, place)
    return ""


NO_JOB = "no job selected"


def reason_against_job(name: str, stored: StoredJob | None) -> str:
    """Reason against an action of the pane; "" if it is available or not about a job."""
    if name not in _REASONS:
        return ""
    return NO_JOB if stored is None else _REASONS[name](stored)


def may_be_taken_over(stored: StoredJob) -> bool:
    """Whether another worker may take a running job: its own has died or sends no heartbeat."""
    return isinstance(stored.job.state, Running) and (stored.worker is None or not stored.worker.lives)


def taking_over_text(stored: StoredJob) -> str:
    """Confirmation for taking over a job whose worker on another host may still run it."""
    job, seen = stored.job, stored.worker
    what = f"Release job {job.id}, {shown(job.spec.title)}, so that another worker runs it?"
    if seen is None:
        return what
    last = (
        f"Process {seen.worker.pid} on {shown(seen.worker.host)} sent its last heartbeat {age(seen.quiet_seconds)} ago."
    )
    return f"{what}\n{last} If it is still running, the job runs twice."


def _none(_stored: StoredJob) -> str:
    return ""


def _against_cancel(stored: StoredJob) -> str:
    state = stored.job.state
    if isinstance(state, ENDED):
        return f"the job is {stored.job.state_name}"
    return "the job is being cancelled" if isinstance(state, Running) and state.stop is Stop.DISCARD else ""


def _against_retry(stored: StoredJob) -> str:
    state = stored.job.state
    if isinstance(state, Failed | Cancelled):
        return ""
    return f"the job is {stored.job.state_name}; only failed and cancelled jobs can be retried"


def _against_hold(stored: StoredJob) -> str:
    match stored.job.state:
        case Waiting() | Held():
            return ""
        case Running() if may_be_taken_over(stored):
            return ""
        case Running():
            return f"the job is running{f' {stored.reason}' if stored.reason else ''} (x: cancel)"
    return f"the job is {stored.job.state_name}"


def _against_move(stored: StoredJob) -> str:
    if isinstance(stored.job.state, Waiting | Held):
        return ""
    return f"the job is {stored.job.state_name}; only waiting jobs can be moved"


def _against_clear(stored: StoredJob) -> str:
    return "" if isinstance(stored.job.state, ENDED) else f"the job is {stored.job.state_name}; cancel it first"


def _against_plan(stored: StoredJob) -> str:
    return "" if plan_text_of_job(stored.job) else "this job has no plan"


def _against_card(stored: StoredJob) -> str:
    is_merged = spec_of(stored.job.spec.task).writes_checkpoint and isinstance(stored.job.state, Done)
    return "" if is_merged else "the job is not a finished merge, so it has no model card"


_REASONS: Mapping[str, Callable[[StoredJob], str]] = {
    "open_job": _none,
    "follow": _none,
    "cancel": _against_cancel,
    "retry": _against_retry,
    "hold": _against_hold,
    "move_up": _against_move,
    "move_down": _against_move,
    "clear": _against_clear,
    "open_card": _against_card,
    "open_plan": _against_plan,
}
