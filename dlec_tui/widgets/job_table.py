"""Table of jobs, and the load of the devices they run on."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial
from textwrap import wrap

from rich.text import Text
from textual import on
from textual.message import Message
from textual.widgets import Static

from dlec_tui.jobs.devices import Ticks, devices_text, ticks
from dlec_tui.jobs.job_view import StoredJob
from dlec_tui.jobs.rows import JobColumns, columns_for, job_line
from dlec_tui.widgets.line_list import LineList
from dlec_tui.wording import Span
from engine.jobs.slots import Slot
from engine.store.job_states import now

NOTHING = """\
No jobs.

Profiles, previews and merges queued in the other
panes or with `dlec ... --queue` and `dlec batch`
appear here."""


class JobTable(LineList[StoredJob]):
    """Running, waiting and ended jobs."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._moment = now()
        self._filter = ""
        self._problem = ""
        """Reason why the store cannot be read; "" if it can."""
        self._known_columns: JobColumns | None = None

    def show(self, jobs: Sequence[StoredJob], moment: datetime, filter_text: str) -> None:
        """filter_text: words that all shown jobs contain."""
        self._moment, self._filter, self._known_columns, self._problem = moment, filter_text, None, ""
        self.put(jobs)

    def say_unreadable(self, problem: str) -> None:
        """Show that the store cannot be read."""
        self._problem = problem
        self.put(())

    def key_of(self, item: StoredJob) -> int:
        return item.job.id

    def line_of(self, item: StoredJob) -> list[Span]:
        return job_line(item, self._moment, self._columns)

    def header(self) -> str:
        return self._columns.header

    def placeholder(self) -> str:
        if self._problem:
            lines = (part for line in self._problem.split("\n") for part in wrap(line, max(self.width, 20)))
            return "\n".join(("Cannot read the jobs.", "", *lines))
        return f"No job matches {self._filter!r} (/: change the filter)." if self._filter else NOTHING

    @property
    def _columns(self) -> JobColumns:
        """Columns, computed once for all lines."""
        known, width = self._known_columns, self.width
        if known is None or known.width != width:
            known = self._known_columns = columns_for(self.items, width)
        return known


LOOK_SECONDS = 2.0
"""Interval of updates."""


class DeviceLine(Static):
    """Load of devices. Hidden while no job runs."""

    DEFAULT_CSS = """
    DeviceLine {
        height: 1; padding: 0 1; color: $text-muted; text-wrap: nowrap; text-overflow: ellipsis; display: none;
    }
    DeviceLine.-running { display: block; }
    """

    class Seen(Message):
        """Load of the devices."""

        def __init__(self, text: str, now: Ticks | None) -> None:
            super().__init__()
            self.text = text
            self.now = now

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._slots: frozenset[Slot] = frozenset()
        self._before: Ticks | None = None
        self._text = ""
        self._is_looking = False

    def on_mount(self) -> None:
        self.set_interval(LOOK_SECONDS, self._look)

    def on_show(self) -> None:
        self._look()

    def watch_slots(self, slots: Iterable[Slot]) -> None:
        """Watch the slots of running jobs."""
        self._slots = frozenset(slots)
        self.set_class(bool(self._slots), "-running")

    def _look(self) -> None:
        if self._slots and self.is_on_screen and not self._is_looking:
            self._is_looking = True
            look = partial(self._read, self._slots, self._before)
            self.run_worker(look, group="devices", thread=True)

    def _read(self, slots: frozenset[Slot], before: Ticks | None) -> None:
        """Read the load in a thread: a driver may be slow."""
        try:
            now = ticks()
            self.post_message(self.Seen(devices_text(slots, before, now), now))
        finally:
            self._is_looking = False

    @on(Seen)
    def _show(self, event: Seen) -> None:
        event.stop()
        self._before = event.now
        if event.text != self._text:
            self._text = event.text
            self.update(Text(event.text, no_wrap=True))
