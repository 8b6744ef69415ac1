"""Details of the selected job, and its log."""

from datetime import datetime
from functools import partial
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from dlec_tui.jobs.job_details import job_facts
from dlec_tui.jobs.job_view import StoredJob
from dlec_tui.jobs.logs import LogTail
from dlec_tui.widgets.parts import Part
from dlec_tui.widgets.text_views import FactsView
from engine.errors import system_reason
from engine.jobs.logs import job_log

LOOK_SECONDS = 0.5
"""Between two looks at the log."""
NO_LOG = "No log: the job has not started."


class LogView(VerticalScroll):
    """Stays at the end while the user has not scrolled up."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "down", show=False, id="log.down"),
        Binding("k", "scroll_up", "up", show=False, id="log.up"),
        Binding("g", "scroll_home", "first", show=False, id="log.first"),
        Binding("G", "scroll_end", "last", show=False, id="log.last"),
    ]
    DEFAULT_CSS = """
    LogView { height: 1fr; scrollbar-size-vertical: 1; overflow-x: hidden; }
    LogView > Static { width: 1fr; height: auto; min-height: 100%; }
    """

    class Seen(Message):
        """Last lines of a log."""

        def __init__(self, tail: LogTail, lines: tuple[str, ...]) -> None:
            super().__init__()
            self.tail = tail
            self.lines = lines

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._tail: LogTail | None = None
        self._path: Path | None = None
        self._shown: tuple[str, ...] | None = None
        self._is_looking = False
        self._text = Static(markup=False)

    def compose(self) -> ComposeResult:
        yield self._text

    def on_mount(self) -> None:
        self.set_interval(LOOK_SECONDS, self._look)
        self.anchor()

    def on_show(self) -> None:
        self._look()

    def follow(self, path: Path | None) -> None:
        """Show this log from now on; None: no log."""
        if path == self._path:
            return
        self._path = path
        self._tail = None if path is None else LogTail(path)
        self._shown = None
        self._text.update("")
        self.anchor()
        self._look()

    @on(Seen)
    def _show(self, event: Seen) -> None:
        event.stop()
        if event.tail is self._tail and event.lines != self._shown:
            self._shown = event.lines
            self._text.update(Text("\n".join(event.lines) or NO_LOG))

    def _look(self) -> None:
        if self._tail is not None and self.is_on_screen and not self._is_looking:
            self._is_looking = True
            self.run_worker(partial(self._read, self._tail), group="log", thread=True)

    def _read(self, tail: LogTail) -> None:
        """Read the log, in a thread."""
        try:
            lines = tail.lines()
        except OSError as error:
            lines = (f"Cannot read the log: {system_reason(error)}.",)
        finally:
            self._is_looking = False
        self.post_message(self.Seen(tail, lines))


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
        """Widget that receives the focus."""
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
