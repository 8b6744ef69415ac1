"""The jobs as one line: what runs, what waits, and what went wrong; pure."""

from dlec_tui.jobs.progress import advance_of, bar
from dlec_tui.jobs.stored import StoredJob, StoredJobs
from dlec_tui.terminal.glyphs import GLYPHS
from dlec_tui.wording import cell_len, elided
from engine.errors import escaped
from engine.store.job_states import Failed, Held, Running, Waiting

BAR_CELLS = 16
WIDE_ENOUGH_FOR_A_BAR = 90
"""In columns."""
_GAP = "  "
_SHORTEST_TITLE = 12


def strip_text(jobs: StoredJobs, width: int) -> str:
    """In `width` columns; changes only when something has."""
    counts = _GAP.join(_counts(jobs))
    running = _in_state(jobs, Running)
    if not running:
        return elided(_GAP.join(filter(None, (counts or "no jobs wait or run", _unattended(jobs)))), width)
    others = f"+{len(running) - 1} more running" if len(running) > 1 else ""
    behind = _GAP.join(filter(None, (_far_text(running[-1], jobs, width), others, counts, _unattended(jobs))))
    room = width - cell_len(behind) - len(_GAP)
    return elided(f"{_title(running[-1], max(room, _SHORTEST_TITLE))}{_GAP}{behind}".rstrip(), width)


def _title(stored: StoredJob, room: int) -> str:
    return elided(f"{GLYPHS.running} {stored.job.id} {escaped(stored.job.spec.title)}", room)


def _far_text(stored: StoredJob, jobs: StoredJobs, width: int) -> str:
    """How far a running job is; what is wrong with it instead, where something is."""
    advance = advance_of(stored, jobs.moment)
    if stored.reason or advance is None:
        return "" if stored.needs_worker else stored.reason  # that is said further on
    is_drawn = advance.share is not None and width >= WIDE_ENOUGH_FOR_A_BAR
    drawn = bar(advance.share or 0.0, BAR_CELLS) if is_drawn else ""
    return " ".join(filter(None, (drawn, advance.full)))


def _counts(jobs: StoredJobs) -> list[str]:
    numbers = {name: len(_in_state(jobs, state)) for name, state in (("held", Held), ("failed", Failed))}
    waiting = len(_in_state(jobs, Waiting))
    waits = [f"{waiting} wait" if waiting > 1 else "1 waits"] if waiting else []
    return [*waits, *(f"{number} {name}" for name, number in numbers.items() if number)]


def _unattended(jobs: StoredJobs) -> str:
    return "no worker is alive: F5 w" if any(stored.needs_worker for stored in jobs.jobs) else ""


def _in_state(jobs: StoredJobs, state: type) -> list[StoredJob]:
    return [stored for stored in jobs.jobs if isinstance(stored.job.state, state)]
