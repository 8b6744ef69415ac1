"""Why something cannot be done to a job now; pure."""

from collections.abc import Callable, Mapping

from dlec_tui.jobs.plan_text import plan_text_of_job
from dlec_tui.jobs.stored import StoredJob
from engine.errors import shown
from engine.store.job_states import ENDED, Cancelled, Done, Failed, Held, Running, Stop, Waiting
from engine.units import age

NO_JOB = "there is no job under the cursor"


def reason_against_job(name: str, stored: StoredJob | None) -> str:
    """name: of an action of the pane; "" when it can be done, and for actions that are not about a job."""
    if name not in _REASONS:
        return ""
    return NO_JOB if stored is None else _REASONS[name](stored)


def may_be_taken_over(stored: StoredJob) -> bool:
    """Whether a running job may be given to another worker: its own has died, or was not heard of for a while."""
    return isinstance(stored.job.state, Running) and (stored.worker is None or not stored.worker.lives)


def taking_over_text(stored: StoredJob) -> str:
    """Confirmation for taking over a job whose worker on another host may still run it."""
    job, seen = stored.job, stored.worker
    what = f"Take job {job.id}, {shown(job.spec.title)}, from its worker, so that another one runs it?"
    if seen is None:
        return what
    last = f"Process {seen.worker.pid} on {shown(seen.worker.host)} was last heard of {age(seen.quiet_seconds)} ago."
    return f"{what}\n{last} If it still runs the job, it runs twice."


def _none(_stored: StoredJob) -> str:
    return ""


def _against_cancel(stored: StoredJob) -> str:
    state = stored.job.state
    if isinstance(state, ENDED):
        return f"it has ended: it is {stored.job.state_name}"
    return "it was asked to stop already" if isinstance(state, Running) and state.stop is Stop.DISCARD else ""


def _against_retry(stored: StoredJob) -> str:
    state = stored.job.state
    return "" if isinstance(state, Failed | Cancelled) else f"it is {stored.job.state_name}: only what failed can"


def _against_hold(stored: StoredJob) -> str:
    match stored.job.state:
        case Waiting() | Held():
            return ""
        case Running() if may_be_taken_over(stored):
            return ""
        case Running():
            return f"it runs{f' {stored.reason}' if stored.reason else ''}: x cancels it"
    return f"it is {stored.job.state_name}"


def _against_move(stored: StoredJob) -> str:
    return "" if isinstance(stored.job.state, Waiting | Held) else f"it is {stored.job.state_name}: only what waits can"


def _against_clear(stored: StoredJob) -> str:
    return "" if isinstance(stored.job.state, ENDED) else f"it is {stored.job.state_name}: cancel it first"


def _against_plan(stored: StoredJob) -> str:
    return "" if plan_text_of_job(stored.job) else "this job has no plan, or none yet"


def _against_card(stored: StoredJob) -> str:
    is_merged = stored.job.spec.task == "merge" and isinstance(stored.job.state, Done)
    return "" if is_merged else "only a finished merge has a model card"


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
