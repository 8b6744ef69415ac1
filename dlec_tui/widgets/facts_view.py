"""Lines with tones that can be scrolled; drawn only when they have changed."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from dlec_tui.jobs.lines import Span
from dlec_tui.widgets.toned_text import toned


class FactsView(VerticalScroll):
    """What there is to say of a job, or of the batch list."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "down", show=False, id="facts.down"),
        Binding("k", "scroll_up", "up", show=False, id="facts.up"),
        Binding("g", "scroll_home", "first", show=False, id="facts.first"),
        Binding("G", "scroll_end", "last", show=False, id="facts.last"),
    ]
    DEFAULT_CSS = """
    FactsView { height: 1fr; scrollbar-size-vertical: 1; overflow-x: hidden; }
    FactsView > Static { width: 1fr; height: auto; }
    """

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._lines: tuple[Span, ...] = ()
        self._text = Static(markup=False)

    def compose(self) -> ComposeResult:
        yield self._text

    def show(self, lines: Sequence[Span]) -> None:
        if tuple(lines) != self._lines:
            self._lines = tuple(lines)
            self._text.update(toned(lines))
