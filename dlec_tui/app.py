"""The workbench: four panes, a line of jobs, and shared state. It reads the store and submits jobs."""

import asyncio
import signal
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text
from textual import on, work

from dlec_tui.main_screen import PANES
from dlec_tui.messages import (
    BatchRequested,
    BlocksChosen,
    JobsSeen,
    ModelChosen,
    PlanEdited,
    PlanRequested,
    StoreUnreadable,
)
from dlec_tui.paned_app import PanedApp
from dlec_tui.panes.pane import Pane
from dlec_tui.session.autosave import Saving
from dlec_tui.session.slots import Draft, Neighbours, Owner, Slot, claim, forget, look_around, restored
from dlec_tui.session.state import SESSION_FILE, Session
from dlec_tui.terminal.app import NOTICE_SECONDS
from dlec_tui.widgets.frame import About
from dlec_tui.workbench import WorkbenchContext
from engine.errors import DlecError, shown
from engine.store.job_states import now

if TYPE_CHECKING:
    from dlec_tui.jobs.job_view import StoredJob, StoredJobs
    from dlec_tui.widgets.dialogs import Leaving
    from engine.store.jobs import JobSpec


NEIGHBOUR_SECONDS = 5.0
"""Interval of checks for other workbenches on the store."""


class Workbench(PanedApp):
    """Full-screen workbench over one store."""

    TITLE = "dlec"

    def __init__(self, store: Path, *, read_only: bool = False, theme: str = "", only_ascii: bool = False) -> None:
        """theme: one of THEME_NAMES; "" for that of the last session or a default."""
        self._slot = Slot(store.with_name(SESSION_FILE), None) if read_only else claim(store)
        self._restored = restored(store, self._slot)
        theme = theme or self._restored.theme
        super().__init__(store, read_only=read_only, theme=theme, only_ascii=only_ascii)
        self.reference = self._restored.reference
        """Open model; None before one is opened."""
        self.document = self._restored.document
        """Edited plan."""
        self.jobs: StoredJobs | None = None
        """Jobs as they were read last; None before the first reading."""
        self.drafts: tuple[Draft, ...] = ()
        """Unsaved plans of other workbenches that have ended."""
        self._others: tuple[Owner, ...] = ()
        """Other workbenches that were reported."""
        self._unreadable = ""
        """Reason why the jobs could not be read; "" if they could."""
        self._is_looking_around = False
        self._saving = Saving(self, self._slot.file, self._session)

    @property
    def workbench(self) -> WorkbenchContext:
        return self

    async def on_mount(self) -> None:
        for number in (signal.SIGHUP, signal.SIGTERM):  # a dropped connection: Textual would be killed unsaved
            asyncio.get_running_loop().add_signal_handler(number, self.leave)
        if not self.read_only:
            self.set_interval(NEIGHBOUR_SECONDS, self._look_around)
            self.call_after_refresh(self._look_around)
        await self.show_pane(self._restored.pane if self._restored.pane in PANES else next(iter(PANES)))

    def on_unmount(self) -> None:
        self._slot.release()

    # Other workbenches

    def _look_around(self) -> None:
        if not self._is_looking_around:  # a disk that hangs keeps one thread
            self._is_looking_around = True
            self.run_worker(self._read_neighbours, group="neighbours", thread=True)

    def _read_neighbours(self) -> None:
        """Look for other workbenches, in a thread."""
        try:
            neighbours = look_around(self.store, self._slot)
        finally:
            self._is_looking_around = False
        self.call_from_thread(self._take_neighbours, neighbours)

    def _take_neighbours(self, neighbours: Neighbours) -> None:
        if neighbours == Neighbours(self._others, self.drafts):
            return
        from dlec_tui.session.notices import drafts_text, other_text  # late: few ever need it

        for other in sorted(set(neighbours.others) - set(self._others), key=lambda each: each.since):
            self.notify(other_text(other, now()), title="two workbenches on one store", timeout=NOTICE_SECONDS)
        if new := [draft for draft in neighbours.drafts if draft.file not in {known.file for known in self.drafts}]:
            self.notify(drafts_text(new), title="unsaved plans", timeout=NOTICE_SECONDS)
        self._others, self.drafts = neighbours.others, neighbours.drafts

    def take_draft(self, draft: Draft) -> None:
        """Save the opened draft in this session, then remove it from its own."""
        self.drafts = tuple(each for each in self.drafts if each != draft)
        self._saving.save_and(partial(self._forget, draft))

    def _forget(self, draft: Draft) -> None:
        """Remove the draft, in a thread."""
        try:
            forget(draft)
        except DlecError as error:
            self.call_from_thread(self.notify, str(error), severity="warning")

    def pane_made(self, pane: Pane) -> None:
        try:
            pane.recall(self._restored.panes.get(pane.AREA, {}))
        except Exception as error:  # of another version, or damaged: the pane is as new then, and the screen comes up
            self.report(error)
        if self._unreadable:
            pane.store_unreadable(self._unreadable)
        elif self.jobs:
            pane.jobs_seen(self.jobs)

    def pane_shown(self) -> None:
        self._show_top_line()
        self.autosave()

    # Leaving

    def action_use_theme(self, name: str) -> None:
        super().action_use_theme(name)
        self.autosave()

    async def action_quit(self) -> None:
        """Quit; with running jobs, ask what happens to them."""
        from dlec_tui.session.notices import running_jobs, running_text  # late: the jobs come after the screen

        running = running_jobs(self.jobs)
        if self.jobs and running:
            from dlec_tui.widgets.dialogs import QuitDialog

            dialog = QuitDialog(running_text(running, self.jobs), len(running))
            self.push_screen(dialog, lambda leaving: self._leave_as_chosen(leaving, running))
        else:
            self.leave()

    def _leave_as_chosen(self, leaving: "Leaving | None", running: "Sequence[StoredJob]") -> None:
        from dlec_tui.session.notices import ways_to_watch
        from dlec_tui.widgets.dialogs import Leaving

        match leaving:
            case Leaving.LEAVE:
                self.leave()
            case Leaving.WATCH:
                self.leave(ways_to_watch(running, self.store))
            case Leaving.CANCEL:
                self._ask_to_cancel(running)

    def _ask_to_cancel(self, running: "Sequence[StoredJob]") -> None:
        from dlec_tui.widgets.dialogs import Question

        which = "\n".join(f"job {stored.job.id} {shown(stored.job.spec.title)}" for stored in running)
        question = Question(f"Cancel these jobs and quit? Their partial output is deleted.\n{which}", yes="cancel")

        def answered(yes: bool | None) -> None:
            if yes:
                self._cancel_and_leave(running)

        self.push_screen(question, answered)

    @work(group="cancel", thread=True)
    def _cancel_and_leave(self, running: "Sequence[StoredJob]") -> None:
        from engine.jobs.queue import cancel
        from engine.store.job_states import Stop

        try:
            for stored in running:
                cancel(self.store, stored.job.id, Stop.DISCARD)
        except DlecError as error:
            self.call_from_thread(self.notify, str(error), severity="error")
        else:
            self.call_from_thread(self.leave)

    def leave(self, words: str = "") -> None:
        """Save and close. words: text to print afterwards."""
        try:
            self._save()
        finally:
            self.exit(words)

    def on_exit_app(self) -> None:
        """Save on exit, also if the browser closes."""
        self._save()

    # What panes ask for, as messages

    @on(ModelChosen)
    def _choose_model(self, message: ModelChosen) -> None:
        self.reference = message.reference
        self._tell(lambda pane: pane.model_chosen())
        self.refresh_bindings()

    @on(PlanEdited)
    def _take_document(self, message: PlanEdited) -> None:
        self.document = message.document
        self._tell(lambda pane: pane.plan_changed())
        if message.note:
            self.notify(message.note)

    @on(BlocksChosen)
    async def _add_blocks(self, message: BlocksChosen) -> None:
        (await self.show_pane("plan")).blocks_chosen(message)

    @on(PlanRequested)
    async def _edit_plan(self, message: PlanRequested) -> None:
        (await self.show_pane("plan")).plan_requested(message.text)

    @on(BatchRequested)
    async def _add_to_batch(self, message: BatchRequested) -> None:
        (await self.show_pane("runs")).batch_requested(message.path)

    @on(JobsSeen)
    def _take_jobs(self, message: JobsSeen) -> None:
        self._unreadable = ""
        is_first_look, self.jobs = self.jobs is None, message.jobs
        self._main.job_strip.show(message.jobs)
        for pane in self.panes:
            pane.jobs_seen(message.jobs)
        if is_first_look and self._restored.left_at:
            from dlec_tui.session.notices import away_text

            ended = away_text([stored.job for stored in message.jobs.jobs], self._restored.left_at)
            if ended:
                self.notify(ended, title="While you were away", timeout=NOTICE_SECONDS)

    @on(StoreUnreadable)
    def _say_unreadable(self, message: StoreUnreadable) -> None:
        self._unreadable = message.reason
        for pane in self.panes:
            pane.store_unreadable(message.reason)
        self._main.job_strip.update(Text(message.reason.splitlines()[0], no_wrap=True, overflow="ellipsis"))

    @work(group="submit", thread=True)
    def submit(self, specs: "Sequence[JobSpec]") -> None:
        """Queue jobs and start workers for them."""
        from engine.jobs.launch import start_workers
        from engine.jobs.queue import submit

        try:
            numbers = submit(self.store, specs)
            start_workers(self.store)
        except DlecError as error:
            self.call_from_thread(self.notify, str(error), severity="error")
        else:
            what = f"job {numbers[0]}: {shown(specs[0].title)}" if len(numbers) == 1 else f"{len(numbers)} jobs"
            self.call_from_thread(self.notify, f"queued {what}")

    def _tell(self, what: Callable[[Pane], None]) -> None:
        for pane in self.panes:
            what(pane)
        self._show_top_line()
        self.autosave()

    def _show_top_line(self) -> None:
        subject = About(self.reference, self.document, self.read_only)
        self._main.top_line.show(list(PANES), self.front.AREA, subject)

    # What is remembered

    def autosave(self) -> None:
        """Save soon; every change delays it a little."""
        if not self.read_only:
            self._saving.soon()

    def _save(self) -> None:
        if not self.read_only:
            self._saving.now()

    def _session(self) -> Session | None:
        """Session to save; None while the screen opens or closes."""
        if self._main.front is None:
            return None
        document = next(filter(None, (pane.latest_document() for pane in self.panes)), self.document)
        panes = dict(self._restored.panes) | {pane.AREA: pane.remembered() for pane in self.panes}
        return Session(self.front.AREA, self.reference, document, panes, self.chosen_theme, now())
