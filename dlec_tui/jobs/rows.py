"""Rows of the job table: which jobs, in which order, and one line for each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dlec_tui.jobs.job_view import StoredJob, StoredJobs
from dlec_tui.jobs.progress import advance_of, bar, detail, since
from dlec_tui.jobs.task_views import headline
from dlec_tui.terminal.glyphs import GLYPHS
from dlec_tui.wording import Span, cell_len, clipped, clock, elided, padded
from engine.errors import escaped
from engine.store.job_states import ENDED, Done, Held, Running, Waiting


def in_view(snapshot: StoredJobs, lately: timedelta | None) -> list[StoredJob]:
    """Open jobs in queue order, then jobs that ended within a time span, latest first."""
    open_jobs = [stored for stored in snapshot.jobs if not isinstance(stored.job.state, ENDED)]
    ended = [stored for stored in snapshot.jobs if _ended_lately(stored, snapshot.moment, lately)]
    return [
        *sorted(open_jobs, key=lambda stored: (Running, Waiting, Held).index(type(stored.job.state))),
        *sorted(ended, key=lambda stored: since(stored.job), reverse=True),
    ]


def matching(jobs: list[StoredJob], query: str) -> list[StoredJob]:
    """Jobs that contain all words in title, state, task or batch."""
    words = query.lower().split()
    return [stored for stored in jobs if all(word in _searched(stored) for word in words)]


def _searched(stored: StoredJob) -> str:
    job = stored.job
    return f"{job.id} {job.state_name} {job.spec.task} {job.spec.title} {job.spec.batch or ''}".lower()


def _ended_lately(stored: StoredJob, moment: datetime, lately: timedelta | None) -> bool:
    return isinstance(stored.job.state, ENDED) and (lately is None or moment - since(stored.job) <= lately)


TONES = {"running": "busy", "held": "warn", "done": "good", "failed": "bad", "cancelled": "dim"}
"""Tone of each state."""
NO_WORKER = "no worker running (press w)"
_STATE = 11
"""Columns for sign and name."""
_TIME = 12
_ROOM_FOR_MORE = 90
"""Width from which time and slot are shown."""
_BAR_CELLS = 8
_ROOM_FOR_BAR = 50
_GAP = "  "


@dataclass(frozen=True, slots=True)
class JobColumns:
    """Columns fitted to these jobs and to the width of the table."""

    width: int
    id: int
    slot: int
    """Columns for the slot; 0 hides slot and time."""

    @property
    def rest(self) -> int:
        """Columns for title and remark."""
        more = _TIME + self.slot + 2 * len(_GAP) if self.slot else 0
        return max(0, self.width - self.id - _STATE - 2 * len(_GAP) - more)

    @property
    def header(self) -> str:
        more = [f"{'since':<{_TIME}}", "slot".ljust(self.slot)] if self.slot else []
        return _GAP.join(["id".rjust(self.id), "state".ljust(_STATE), *more, "job"])[: self.width]


def columns_for(jobs: Sequence[StoredJob], width: int) -> JobColumns:
    ids = max([2, *(len(str(stored.job.id)) for stored in jobs)])
    slots = max([4, *(len(stored.job.spec.slot) for stored in jobs)])
    return JobColumns(width, ids, slots if width >= _ROOM_FOR_MORE else 0)


def job_line(stored: StoredJob, moment: datetime, columns: JobColumns) -> list[Span]:
    job = stored.job
    tone = TONES.get(job.state_name, "")
    note = note_of(stored, moment, columns.rest)
    title = escaped(job.spec.title)
    beside = min(cell_len(note), max(columns.rest // 2, columns.rest - len(_GAP) - cell_len(title)))
    title_room = columns.rest - (beside + len(_GAP) if beside else 0)
    return [
        (f"{job.id:>{columns.id}}{_GAP}", ""),
        (f"{state_text(job.state_name):<{_STATE}}{_GAP}", tone),
        (_more_columns(stored, moment, columns), "dim"),
        (f"{padded(elided(title, title_room), title_room)}{_GAP if beside else ''}", ""),
        (clipped(note, beside), tone if job.state_name in ("running", "failed", "held") else "dim"),
    ]


def state_text(name: str) -> str:
    """Name of a state with its sign."""
    return f"{getattr(GLYPHS, name)} {name}"


def note_of(stored: StoredJob, moment: datetime, room: int = 0) -> str:
    """Remark next to the title: progress, reason for waiting, or result.

    room: columns for both; with many of them there is a bar.
    """
    match stored.job.state:
        case Running() if not stored.reason:
            return _far_text(stored, moment, with_bar=room >= _ROOM_FOR_BAR)
        case Done(result=result):
            return headline(stored.job.spec.task, result) or detail(stored, moment)
    return NO_WORKER if stored.needs_worker else stored.reason or detail(stored, moment)


def _far_text(stored: StoredJob, moment: datetime, *, with_bar: bool) -> str:
    advance = advance_of(stored, moment)
    if advance is None:
        return f"since {clock(since(stored.job), moment)}"
    drawn = f"{bar(advance.share, _BAR_CELLS)} " if with_bar and advance.share is not None else ""
    return f"{drawn}{advance.short}"


def _more_columns(stored: StoredJob, moment: datetime, columns: JobColumns) -> str:
    if not columns.slot:
        return ""
    time = clock(since(stored.job), moment)
    return f"{time:<{_TIME}}{_GAP}{stored.job.spec.slot:<{columns.slot}}{_GAP}"
