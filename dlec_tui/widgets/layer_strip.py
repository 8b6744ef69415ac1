"""The planned model as a strip: one cell per layer, the selected slice underlined."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.events import Click, Resize
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from dlec_tui.models.listing import name_of
from dlec_tui.plans.strip_cells import (
    SOURCES,
    Cell,
    Window,
    cells_of,
    place_of,
    rail_of,
    row_of,
    sources_of,
    summary_of,
    window_for,
)
from dlec_tui.terminal.glyphs import GLYPHS
from dlec_tui.wording import Span, elided, indented
from engine.errors import escaped
from engine.plan.edits import SliceView

NONE_KNOWN: Mapping[str, int] = MappingProxyType({})


class LayerStrip(Widget):
    """Three lines: summary, cells, marker of the selected slice. Two more for a compared plan."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "strip--dim",
        "strip--rail",
        "strip--missing",
        *(f"strip--{kind}-{number}" for kind in ("source", "repeat") for number in range(SOURCES)),
    }
    DEFAULT_CSS = """
    LayerStrip { height: 3; padding: 0 1; }
    LayerStrip.-comparing { height: 5; }
    LayerStrip > .strip--dim { color: $text-muted; }
    LayerStrip > .strip--missing { color: $error; }
    LayerStrip > .strip--rail { color: $accent; text-style: bold; }
    LayerStrip > .strip--source-0 { color: $primary; }
    LayerStrip > .strip--source-1 { color: $success; }
    LayerStrip > .strip--source-2 { color: $error; }
    LayerStrip > .strip--source-3 { color: $secondary; }
    LayerStrip > .strip--repeat-0, LayerStrip > .strip--repeat-1 { color: $accent; }
    LayerStrip > .strip--repeat-2, LayerStrip > .strip--repeat-3 { color: $warning; }
    """

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._cells: tuple[Cell, ...] = ()
        self._summary = ""
        self._current: int | None = None
        self._other: tuple[Cell, ...] = ()
        self._other_name = ""

    def show(
        self, slices: Sequence[SliceView], current: int | None, depths: Mapping[str, int] = NONE_KNOWN, stale: str = ""
    ) -> None:
        """current: the number of the slice under the cursor; depths: layers of the models that are known.

        stale: why the text has become no list of slices, whose last ones these are; "" when it is one.
        """
        cells = cells_of(slices, depths)
        summary = summary_of(cells, [escaped(name_of(source)) for source in sources_of(slices)])
        if stale:
            summary = f"last valid state: {summary}" if cells else f"invalid text: {escaped(stale)}"
            cells = tuple(replace(cell, is_stale=True) for cell in cells)
        if (cells, summary, current) != (self._cells, self._summary, self._current):
            self._cells, self._summary, self._current = cells, summary, current
            self.refresh()

    def point_to(self, current: int | None) -> None:
        """Mark another slice."""
        if current != self._current:
            self._current = current
            self.refresh()

    def compare(self, name: str, slices: Sequence[SliceView]) -> None:
        """Show the strip of another plan below; remove it if that has no slices."""
        self._other = cells_of(slices)
        words = summary_of(self._other, [escaped(name_of(source)) for source in sources_of(slices)])
        self._other_name = f"{escaped(name)}: {words}"
        self.set_class(bool(slices), "-comparing")
        self.refresh(layout=True)

    @property
    def is_comparing(self) -> bool:
        return self.has_class("-comparing")

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        return 5 if self.is_comparing else 3

    class Clicked(Message):
        """A layer of a slice was clicked."""

        def __init__(self, slice_index: int) -> None:
            super().__init__()
            self.slice_index = slice_index

    def on_click(self, event: Click) -> None:
        at = event.get_content_offset(self)
        window = self._window(self.content_size.width)
        cell = window.first + at.x // window.cell_width if at and at.y == 1 else -1
        if 0 <= cell < len(self._cells):
            self.post_message(self.Clicked(self._cells[cell].slice_index))

    def on_resize(self, _event: Resize) -> None:
        self.refresh()

    def _window(self, width: int) -> Window:
        place = place_of(self._cells, self._current)
        return window_for(max(len(self._cells), len(self._other)), width, place)

    def render_line(self, y: int) -> Strip:
        spans = self._lines(self.content_size.width)
        segments = [Segment(text, self._style(tone)) for text, tone in (spans[y] if y < len(spans) else []) if text]
        return Strip(segments).adjust_cell_length(self.content_size.width, self.rich_style)

    def _lines(self, width: int) -> list[list[Span]]:
        place = place_of(self._cells, self._current)
        window = self._window(width)
        where = self._where(place)
        words = elided(self._summary, max(0, width - cell_len(where) - 2))
        lines = [
            [(words, ""), (indented(where, width - cell_len(words)), "rail")],
            row_of(self._cells, window),
            [(rail_of(place, window), "rail")],
        ]
        if self.is_comparing:
            lines += [row_of(self._other, window), [(elided(self._other_name, width), "dim")]]
        return lines

    def _where(self, place: tuple[int, int] | None) -> str:
        if self._current is None:
            return ""
        return f"slice {self._current + 1}" + (f" {GLYPHS.arrow} new layers {place[0]}:{place[1]}" if place else "")

    def _style(self, tone: str) -> Style:
        if not tone:
            return self.rich_style
        return self.rich_style + self.get_component_rich_style(f"strip--{tone}", partial=True)
