"""The jobs, a line each."""

from collections.abc import Sequence
from datetime import datetime
from textwrap import wrap

from dlec_tui.jobs.lines import JobColumns, Span, columns_for, job_line
from dlec_tui.jobs.stored import StoredJob
from dlec_tui.widgets.line_list import LineList
from engine.store.job_states import now

NOTHING = """\
No jobs yet.

Profiles, previews and merges that the other panes
ask for stand here, and so does what
`dlec ... --queue` and `dlec batch` have queued."""


class JobTable(LineList[StoredJob]):
    """What runs, waits and has ended."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._moment = now()
        self._filter = ""
        self._problem = ""
        """Why the store cannot be read; "" when it can."""
        self._known_columns: JobColumns | None = None

    def show(self, jobs: Sequence[StoredJob], moment: datetime, wanted: str) -> None:
        """wanted: the words that the jobs were chosen by."""
        self._moment, self._filter, self._known_columns, self._problem = moment, wanted, None, ""
        self.put(jobs)

    def say_unreadable(self, problem: str) -> None:
        """There may be jobs: the store cannot be read."""
        self._problem = problem
        self.put(())

    def key_of(self, item: StoredJob) -> int:
        return item.job.id

    def line_of(self, item: StoredJob) -> list[Span]:
        return job_line(item, self._moment, self._columns)

    def header(self) -> str:
        return self._columns.header

    def otherwise(self) -> str:
        if self._problem:
            lines = (part for line in self._problem.split("\n") for part in wrap(line, max(self.width, 20)))
            return "\n".join(("The jobs cannot be read.", "", *lines))
        return f"No job has {self._filter!r} (/ changes the filter)." if self._filter else NOTHING

    @property
    def _columns(self) -> JobColumns:
        """Looked for once, not for every line."""
        known, width = self._known_columns, self.width
        if known is None or known.width != width:
            known = self._known_columns = columns_for(self.items, width)
        return known
