"""The job under the cursor: what there is to say of it, and its log."""

from datetime import datetime
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget

from dlec_tui.jobs.facts import job_facts
from dlec_tui.jobs.stored import StoredJob
from dlec_tui.widgets.facts_view import FactsView
from dlec_tui.widgets.log_view import LogView
from dlec_tui.widgets.part import Part
from engine.jobs.logs import job_log


class JobDetail(Part):
    """One over the other where there is room, else one of them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,escape,enter", "back", "back to the jobs", show=False, id="detail.back"),
    ]
    SCOPED_CSS = False
    DEFAULT_CSS = """
    JobDetail #log { border-top: solid $foreground 30%; }
    .-low JobDetail #log { display: none; border: none; }
    .-low JobDetail.-log #facts { display: none; }
    .-low JobDetail.-log #log { display: block; }
    """

    class Left(Message):
        """The user has seen enough of it."""

    def __init__(self, store: Path) -> None:
        super().__init__("job", id="detail")
        self._store = store
        self.facts, self.log_view = FactsView(id="facts"), LogView(id="log")

    def compose(self) -> ComposeResult:
        yield self.facts
        yield self.log_view

    @property
    def entrance(self) -> Widget:
        """What gets the focus."""
        return self.log_view if self.has_class("-log") else self.facts

    def show(self, stored: StoredJob | None, moment: datetime) -> None:
        """None: there is no job."""
        log = job_log(self._store, stored.job.id) if stored else None
        width = self.facts.scrollable_content_region.width
        self.facts.show(list(job_facts(stored, moment, log, width)) if stored and log else [])
        self.log_view.follow(log)
        self.entitle(f"job {stored.job.id}" if stored else "job")

    def switch_log(self) -> None:
        """Show the log instead of the rest, and back; where both are shown, go to the log."""
        self.toggle_class("-log")
        if self.has_focus_within or not self.screen.has_class("-low"):
            self.screen.set_focus(self.entrance)

    def action_back(self) -> None:
        self.post_message(self.Left())
