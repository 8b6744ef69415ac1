"""Text that is fitted into its widget, and redrawn only after a change."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.events import Resize
from textual.widgets import Static

from dlec_tui.terminal.glyphs import GLYPHS
from dlec_tui.wording import Span, clipped, packed, wrapped

_STYLES = {
    "": "",
    "head": "bold",
    "dim": "$text-muted",
    "good": "$success",
    "bad": "$error",
    "warn": "$warning",
    "busy": "$accent",
}


def toned(lines: Sequence[Span]) -> Content:
    """Styled text with one line each."""
    return Content("\n").join(Content.styled(text, _STYLES[tone]) for text, tone in lines)


class FactsView(VerticalScroll):
    """Details of a job, or summary of the batch list."""

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


class ResultsView(FactsView):
    """Styled lines, the most important first."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._every: tuple[Span, ...] = ()

    def show(self, lines: Sequence[Span]) -> None:
        self._every = tuple(lines)
        self._fit()

    def on_resize(self, _event: Resize) -> None:
        self._fit()

    def _fit(self) -> None:
        super().show(self._every if self.size.height > 1 else self._in_one_line())

    def _in_one_line(self) -> list[Span]:
        joined = f" {GLYPHS.dot} ".join(" ".join(text.split("\n")) for text, _ in self._every)
        return [(clipped(joined, self.size.width), tone) for _, tone in self._every[:1]]


class Figures(Static):
    """Parts that may share a line, and lines that always stay separate."""

    DEFAULT_CSS = "Figures { height: 1fr; }"

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, markup=False)
        self._parts: tuple[str, ...] = ()
        self._below: tuple[str, ...] = ()

    def show(self, parts: Sequence[str], below: Sequence[str]) -> None:
        """Show the text. Redrawn only after a change."""
        if (tuple(parts), tuple(below)) != (self._parts, self._below):
            self._parts, self._below = tuple(parts), tuple(below)
            self._fit()

    def on_resize(self, _event: Resize) -> None:
        self._fit()

    def _fit(self) -> None:
        width, height = self.size
        lines = [*fitted(self._parts, width, height - len(self._below)), *self._below]
        self.update("\n".join(lines), layout=False)


def fitted(parts: Sequence[str], width: int, height: int) -> list[str]:
    """One line for each part if they fit, otherwise as many parts per line as possible."""
    if len(parts) <= height:
        return list(parts)
    return packed(parts, f" {GLYPHS.dot} ", width, height)


class ModelDetails(Static):
    """Wrapped lines, the most important first."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, markup=False)
        self._lines: tuple[str, ...] = ()

    def show(self, lines: Sequence[str]) -> None:
        """Show the text. Redrawn only after a change."""
        if tuple(lines) != self._lines:
            self._lines = tuple(lines)
            self._wrap()

    def on_resize(self, _event: Resize) -> None:
        self._wrap()

    def _wrap(self) -> None:
        self.update("\n".join(wrapped(self._lines, *self.size)), layout=False)


class PackedLine(Static):
    """Parts of a sentence, the most important first, in a fixed number of lines."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, markup=False)
        self._parts: tuple[str, ...] = ()

    def show(self, parts: Sequence[str]) -> None:
        """Show the text. Redrawn only after a change."""
        if tuple(parts) != self._parts:
            self._parts = tuple(parts)
            self._pack()

    def on_resize(self, _event: Resize) -> None:
        self._pack()

    def _pack(self) -> None:
        width, height = self.content_size
        self.update("\n".join(packed(self._parts, ", ", width, height)), layout=False)
