"""The batch list with the disk space it needs, checked in a thread after every change."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.message import Message
from textual.worker import get_current_worker

from dlec_tui.batches import (
    Batch,
    BatchItem,
    BatchMarks,
    batch_items,
    batch_line,
    batch_summary,
    planned_batch,
    specs_of,
)
from dlec_tui.plans.files import runnable_plan
from dlec_tui.widgets.dialogs import Question
from dlec_tui.widgets.line_list import LineList
from dlec_tui.widgets.parts import Part
from dlec_tui.widgets.text_views import FactsView
from dlec_tui.wording import Span
from engine.checkpoint.find import opener
from engine.errors import DlecError, UsageError, escaped, shown
from engine.jobs import launch
from engine.jobs.batch import batch_id
from engine.jobs.queue import submit
from engine.merge.draft import MergeOptions
from engine.units import byte_size, plural

NOTHING = """\
The batch list is empty.

a   add plan files
b   (plan pane) add the edited plan"""


class BatchList(LineList[BatchItem]):
    """Plans in merge order."""

    def show(self, items: Sequence[BatchItem]) -> None:
        self.put(items)

    def key_of(self, item: BatchItem) -> str:
        return str(item.target.plan)

    def line_of(self, item: BatchItem) -> list[Span]:
        return batch_line(item, self.items.index(item) + 1, self.width)

    def header(self) -> str:
        return "    plan"

    def placeholder(self) -> str:
        return NOTHING


OPTIONS = MergeOptions()
KEYS = "b run  o output  x remove  J K move"


class BatchPart(Part):
    """Plans above, the summary of `dlec batch --dry-run` below."""

    DEFAULT_CSS = """
    BatchPart #batch-summary { height: auto; max-height: 50%; border-top: solid $foreground 30%; }
    """
    SUMMARY: ClassVar[str] = "batch-summary"

    class LookedOver(Message):
        """Result of checking one state of the list."""

        def __init__(self, marks: BatchMarks, batch: Batch) -> None:
            super().__init__()
            self.marks = marks
            self.batch = batch

    class Changed(Message):
        """The list is another one: something to be remembered."""

    class Queued(Message):
        """The plans on the list are jobs now."""

        def __init__(self, marks: BatchMarks) -> None:
            super().__init__()
            self.marks = marks

    def __init__(self, store: Path) -> None:
        super().__init__("batch", id="batch")
        self._store = store
        self.marks = BatchMarks()
        self._batch: Batch | None = None
        self.list = BatchList(id="batch-list")
        self._summary = FactsView(id=self.SUMMARY)

    def compose(self) -> ComposeResult:
        yield self.list
        yield self._summary

    def on_mount(self) -> None:
        self._redraw()

    # What the user does to it

    def add(self, plans: Iterable[Path]) -> None:
        self.change(self.marks.added(plans))

    def drop_current(self) -> None:
        if self.list.current:
            self.change(self.marks.without(self.list.current.target.plan))

    def move_current(self, by: int) -> None:
        if self.list.current:
            self.change(self.marks.moved(self.list.current.target.plan, by))

    def change(self, marks: BatchMarks) -> None:
        """Replace the list."""
        if marks != self.marks:
            self.marks = marks
            self._batch = None
            self.look_over()
            self.post_message(self.Changed())

    def look_over(self) -> None:
        """Read the plans again: they, the disk and the jobs may have changed."""
        self._redraw()
        if self.marks.plans:
            self.run_worker(partial(self._plan, self.marks), group="batch", thread=True, exclusive=True)

    def run(self) -> None:
        """Queue the plans as merges once the user has said yes, unless something forbids it."""
        self.run_worker(partial(self._prepare, self.marks), group="ask", thread=True, exclusive=True)

    # In threads

    def _plan(self, marks: BatchMarks) -> None:
        worker = get_current_worker()
        try:
            batch = self._planned(marks)
        except DlecError as error:
            self.app.call_from_thread(self.notify, str(error), severity="error")
            return
        if not worker.is_cancelled:
            self.post_message(self.LookedOver(marks, batch))

    def _prepare(self, marks: BatchMarks) -> None:
        try:
            batch = self._planned(marks)
            self.post_message(self.LookedOver(marks, batch))
            if batch.problems:
                raise UsageError(
                    "the batch is not queued",
                    why=plural(len(batch.problems), "problem"),
                    fix="See below the batch list.",
                )
        except DlecError as error:
            self.app.call_from_thread(self.notify, str(error), severity="error")
        else:
            self.app.call_from_thread(self._ask, marks, batch)

    def _ask(self, marks: BatchMarks, batch: Batch) -> None:
        written = byte_size(sum(merge.draft.layout.nbytes for merge in batch.merges))
        what = f"Write {written} in {plural(len(batch.merges), 'merge')} into {shown(marks.directory)}?"
        question = Question(f"{what}\n{byte_size(batch.use.free)} free.", yes="merge")
        self.app.push_screen(question, lambda yes: self._begin(marks, batch) if yes else None)

    def _begin(self, marks: BatchMarks, batch: Batch) -> None:
        self.run_worker(partial(self._queue, marks, batch), group="batch", thread=True, exclusive=True)

    def _queue(self, marks: BatchMarks, batch: Batch) -> None:
        try:
            numbers = submit(self._store, list(specs_of(batch.merges, OPTIONS, batch_id(datetime.now()))))
            self.post_message(self.Queued(marks))
            launch.start_workers(self._store)
        except DlecError as error:
            self.app.call_from_thread(self.notify, str(error), severity="error")
        else:
            self.app.call_from_thread(self.notify, f"queued {plural(len(numbers), 'merge')}")

    def _planned(self, marks: BatchMarks) -> Batch:
        open_checkpoint = opener()
        read = partial(runnable_plan, open_checkpoint=open_checkpoint)
        return planned_batch(marks.targets, marks.directory, OPTIONS, self._store, open_checkpoint, read)

    # What came of it

    @on(LookedOver)
    def _show_found(self, event: LookedOver) -> None:
        if event.marks == self.marks:
            self._batch = event.batch
            self._redraw()

    @on(Queued)
    def _empty(self, event: Queued) -> None:
        """Remove the queued plans; plans added since then stay."""
        left = tuple(plan for plan in self.marks.plans if plan not in event.marks.plans)
        self.change(BatchMarks(left, self.marks.out))

    def _redraw(self) -> None:
        self.list.show(batch_items(self.marks.targets, self._batch))
        self._summary.display = bool(self.marks.plans)
        self._summary.show(batch_summary(self._batch))
        if self.marks.plans:
            title = f"batch: {plural(len(self.marks.plans), 'plan')} ({KEYS})"
            self.entitle(title, f"into {escaped(str(self.marks.directory))}")
        else:
            self.entitle("batch")
