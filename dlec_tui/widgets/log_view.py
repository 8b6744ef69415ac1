"""The end of a job's log, followed while it is on the screen."""

from functools import partial
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widgets import Static

from dlec_tui.jobs.log_tail import LogTail
from engine.errors import system_reason

LOOK_SECONDS = 0.5
"""Between two looks at the log."""
NO_LOG = "No log yet: nobody has begun this job."


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
        """How a log ends now."""

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
        """In a thread."""
        try:
            lines = tail.lines()
        except OSError as error:
            lines = (f"The log cannot be read: {system_reason(error)}.",)
        finally:
            self._is_looking = False
        self.post_message(self.Seen(tail, lines))
