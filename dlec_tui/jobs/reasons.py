"""Why something cannot be done to a job now; pure."""

from collections.abc import Callable, Mapping

from dlec_tui.jobs.stored import StoredJob
from engine.jobs.locks import Fate
from engine.store.job_states import ENDED, Cancelled, Done, Failed, Held, Running, Stop, Waiting

NO_JOB = "there is no job under the cursor"


def reason_against_job(name: str, stored: StoredJob | None) -> str:
    """name: of an action of the pane; "" when it can be done, and for actions that are not about a job."""
    if name not in _REASONS:
        return ""
    return NO_JOB if stored is None else _REASONS[name](stored)


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
        case Running() if stored.worker is None or stored.worker.fate is not Fate.ALIVE:
            return ""  # it can be released
        case Running():
            return "it runs: x cancels it"
    return f"it is {stored.job.state_name}"


def _against_move(stored: StoredJob) -> str:
    return "" if isinstance(stored.job.state, Waiting | Held) else f"it is {stored.job.state_name}: only what waits can"


def _against_clear(stored: StoredJob) -> str:
    return "" if isinstance(stored.job.state, ENDED) else f"it is {stored.job.state_name}: cancel it first"


def _against_card(stored: StoredJob) -> str:
    is_merged = stored.job.order.task == "merge" and isinstance(stored.job.state, Done)
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
}
