"""Jobs, details of one job, and the batch list on the screen."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.widget import Widget

from dlec_tui.jobs.rows import in_view, matching
from dlec_tui.widgets.batch_part import BatchPart
from dlec_tui.widgets.job_detail import JobDetail
from dlec_tui.widgets.job_table import DeviceLine, JobTable
from dlec_tui.widgets.line_list import LineList
from dlec_tui.widgets.parts import Part
from engine.errors import escaped
from engine.jobs.slots import parse_slot
from engine.store.job_states import Running

if TYPE_CHECKING:
    from dlec_tui.jobs.job_view import StoredJob, StoredJobs


class RunsView(Vertical):
    """Three parts; a small screen shows one or two of them at a time."""

    SCOPED_CSS = False
    DEFAULT_CSS = """
    RunsView #runs-body { layout: horizontal; height: 1fr; }
    RunsView #runs-lists { width: 3fr; height: 100%; }
    RunsView #jobs { height: 1fr; }
    RunsView #batch { height: 14; }
    RunsView #detail { width: 2fr; }
    .-narrow RunsView #runs-body { layout: vertical; }
    .-narrow RunsView #runs-lists, .-narrow RunsView #detail { width: 1fr; height: 1fr; }
    .-low RunsView #batch { display: none; height: 1fr; }
    .-low RunsView.-at-batch #batch { display: block; }
    .-low RunsView.-at-batch #jobs { display: none; }
    .-low.-narrow RunsView.-at-batch #detail { display: none; }
    .-low.-narrow RunsView.-at-detail #runs-lists { display: none; }
    """

    def __init__(self, store: Path) -> None:
        super().__init__()
        self._store = store
        self.jobs: StoredJobs | None = None
        """Jobs as they were read last; None before the first reading."""
        self.filter_text = ""
        """Words that a job must have to be shown."""
        self.job_to_find: int | None = None
        """Job that was selected in the last session."""

    def compose(self) -> ComposeResult:
        with Container(id="runs-body"):
            with Vertical(id="runs-lists"):
                with Part("jobs", id="jobs"):
                    yield JobTable(id="job-table")
                yield BatchPart(self._store)
            yield JobDetail(self._store)
        yield DeviceLine()

    def redraw(self) -> None:
        """Show the jobs as they were read last."""
        if self.jobs is None:
            return
        every = in_view(self.jobs, lately=None)
        matches = matching(every, self.filter_text)
        self.table.show(matches, self.jobs.moment, self.filter_text)
        if self.job_to_find is not None:
            self.table.point_to(self.job_to_find)
            self.job_to_find = None
        self._entitle(len(matches), len(every))
        running = [stored.worker for stored in every if isinstance(stored.job.state, Running) and stored.worker]
        self.query_one(DeviceLine).watch_slots({parse_slot(seen.worker.slot) for seen in running if seen.lives})

    def _entitle(self, shown: int, every: int) -> None:
        part = self.query_one("#jobs", Part)
        if self.filter_text:
            part.entitle(f"jobs: {escaped(self.filter_text)}", f"{shown} of {every}")
        else:
            part.entitle("jobs")

    @on(LineList.Moved, "#job-table")
    def _show_detail(self) -> None:
        if self.jobs:
            self.detail.show(self.current, self.jobs.moment)
        self.refresh_bindings()

    @on(LineList.Moved, "#batch-list")
    def _show_keys(self) -> None:
        self.refresh_bindings()

    @property
    def table(self) -> JobTable:
        return self.query_one(JobTable)

    @property
    def batch_part(self) -> BatchPart:
        return self.query_one(BatchPart)

    @property
    def detail(self) -> JobDetail:
        return self.query_one(JobDetail)

    @property
    def current(self) -> "StoredJob | None":
        """Selected job."""
        return self.table.current

    def next_part(self) -> None:
        """Focus the next part."""
        order: Sequence[Widget] = (self.table, self.detail.entrance, self.batch_part.list)
        position = 2 if self.at_batch else 1 if self.detail.has_focus_within else 0
        self.go_to(order[(position + 1) % len(order)])

    def on_descendant_focus(self) -> None:
        self.set_class(self.at_batch, "-at-batch")
        self.set_class(self.detail.has_focus_within, "-at-detail")
        self.refresh_bindings()

    def go_to(self, widget: Widget) -> None:
        """Focus a part and give it room."""
        self.set_class(widget is self.batch_part.list, "-at-batch")
        self.set_class(widget is self.detail.entrance, "-at-detail")
        self.screen.set_focus(widget)  # immediately: the next key belongs to it

    @property
    def at_batch(self) -> bool:
        """Whether the batch list has the focus."""
        return self.batch_part.has_focus_within
