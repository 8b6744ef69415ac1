"""The map of weight changes: layers across, tensor types down."""

import os
from collections.abc import Collection, Iterator
from itertools import groupby
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.events import Click, Resize
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from dlec_tui.measurements.plots import LEVELS, RAMP
from dlec_tui.terminal.glyphs import GLYPHS
from dlec_tui.terminal.theme_names import has_few_colours
from dlec_tui.widgets.heat_map import CURSOR, MARK
from dlec_tui.wording import clipped, padded
from engine.comparison.change_map import Cell, ChangeMap
from engine.errors import shown

_WIDEST_LABEL = 26
_FOOT = 3
"""Lines below the map: the layers, the cursor, the scale."""
_LAYERS_PER_LABEL = 5
_WIDEST_CELL = 3
NO_CHANGES = "Nothing compared with this model (dlec diff A B)."


class ChangeView(Widget, can_focus=True):
    """A map, a cursor on a cell, and the scale. With few colours, or in ASCII, digits."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "move(-1, 0)", "a layer earlier", show=False, id="changes.left"),
        Binding("right,l", "move(1, 0)", "a layer later", show=False, id="changes.right"),
        Binding("up,k", "move(0, -1)", "tensor type above", show=False, id="changes.up"),
        Binding("down,j", "move(0, 1)", "tensor type below", show=False, id="changes.down"),
        Binding("home,g", "first", "first layer", show=False, id="changes.first"),
        Binding("end,G", "last", "last layer", show=False, id="changes.last"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"change-view--labels"}
    DEFAULT_CSS = """
    ChangeView { height: 1fr; }
    ChangeView > .change-view--labels { color: $text-muted; }
    """

    class Moved(Message):
        """The cursor is on another cell."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._map: ChangeMap | None = None
        self._marked: Collection[Cell] = ()
        self.row = 0
        """Index of the selected tensor type."""
        self.at_layer = 0

    @property
    def cell(self) -> Cell | None:
        """Cell under the cursor; None without a map."""
        types = self._map.types if self._map else ()
        return (types[min(self.row, len(types) - 1)], self.at_layer) if types else None

    def draw(self, change_map: ChangeMap | None) -> None:
        """Show a map, or a text without one."""
        self._map = change_map
        self._put(self.row, self.at_layer)
        self.refresh()

    def mark(self, cells: Collection[Cell]) -> None:
        """Show these cells as marked."""
        self._marked = cells
        self.refresh()

    def go_to(self, layer: int) -> None:
        """Put the cursor on a layer."""
        self._put(self.row, layer)

    def action_move(self, layers: int, rows: int) -> None:
        self._put(self.row + rows, self.at_layer + layers)

    def action_first(self) -> None:
        self._put(self.row, 0)

    def action_last(self) -> None:
        self._put(self.row, self._map.layers - 1 if self._map else 0)

    def on_click(self, event: Click) -> None:
        if self._map is not None and event.x >= self._gutter and event.y < self._rows:
            layer = self._first_layer + (event.x - self._gutter) // self._cell_width
            self._put(self._first_row + event.y, layer)

    def on_resize(self, _event: Resize) -> None:
        self.refresh()

    def _put(self, row: int, layer: int) -> None:
        """Put the cursor on a cell, as near as there is one."""
        if self._map is None or not self._map.types:
            return
        place = min(max(row, 0), len(self._map.types) - 1), min(max(layer, 0), self._map.layers - 1)
        if place != (self.row, self.at_layer):
            self.row, self.at_layer = place
            self.refresh()
            self.post_message(self.Moved())

    # Room

    @property
    def _gutter(self) -> int:
        types = self._map.types if self._map else ()
        return 2 + min(max((len(type_) for type_ in types), default=0), _WIDEST_LABEL, max(self.size.width // 3, 8))

    @property
    def _cell_width(self) -> int:
        layers = self._map.layers if self._map else 1
        return min(max((self.size.width - self._gutter) // layers, 1), _WIDEST_CELL)

    @property
    def _columns(self) -> int:
        """Number of layers that fit."""
        return max((self.size.width - self._gutter) // self._cell_width, 1)

    @property
    def _rows(self) -> int:
        """Number of tensor types that fit."""
        return min(max(self.size.height - _FOOT, 1), len(self._map.types) if self._map else 1)

    @property
    def _first_layer(self) -> int:
        return max(0, self.at_layer - self._columns + 1)

    @property
    def _first_row(self) -> int:
        return max(0, self.row - self._rows + 1)

    @property
    def _is_plain(self) -> bool:
        return self.app.no_color or GLYPHS.is_ascii or has_few_colours(os.environ)

    # Lines

    def render_line(self, y: int) -> Strip:
        segments = list(self._segments(y)) if self._map else [Segment(NO_CHANGES)] if y == 0 else []
        return Strip(segments).adjust_cell_length(self.size.width).apply_style(self.rich_style)

    def _segments(self, y: int) -> Iterator[Segment]:
        assert self._map
        if y < self._rows:
            yield from self._cells(self._map, self._first_row + y)
        elif y - self._rows < _FOOT:
            yield from (self._labels, self._rail, self._scale)[y - self._rows](self._map)

    def _cells(self, drawn: ChangeMap, row: int) -> Iterator[Segment]:
        type_, is_current = drawn.types[row], row == self.row
        label = padded(clipped(shown(type_), self._gutter - 2), self._gutter - 2)
        yield Segment(f"{GLYPHS.cursor if is_current else ' '}{label} ", Style(bold=is_current))
        layers = range(self._first_layer, min(self._first_layer + self._columns, drawn.layers))
        paint = self._digit if self._is_plain else self._colour
        for (text, style), group in groupby(paint(drawn, (type_, layer)) for layer in layers):
            yield Segment(text * (len(list(group)) * self._cell_width), style)

    def _colour(self, drawn: ChangeMap, cell: Cell) -> tuple[str, Style]:
        if cell == self.cell:
            return " ", Style(bgcolor=CURSOR)
        if cell in self._marked:
            return " ", Style(bgcolor=MARK)
        level = _level(drawn, cell)
        return " ", Style() if level is None else Style(bgcolor=RAMP[level])

    def _digit(self, drawn: ChangeMap, cell: Cell) -> tuple[str, Style]:
        """The level as a digit; reversed under the cursor."""
        level = _level(drawn, cell)
        sign = GLYPHS.mark if cell in self._marked else " " if level is None else str(level)
        return sign, Style(reverse=cell == self.cell)

    def _labels(self, drawn: ChangeMap) -> Iterator[Segment]:
        line = [" "] * self.size.width
        step = _LAYERS_PER_LABEL if self._cell_width > 1 else 2 * _LAYERS_PER_LABEL
        for layer in range(self._first_layer, min(self._first_layer + self._columns, drawn.layers)):
            label, at = str(layer), self._gutter + (layer - self._first_layer) * self._cell_width
            if layer % step == 0 and at + len(label) <= len(line):
                line[at : at + len(label)] = label
        yield Segment("".join(line), self.get_component_rich_style("change-view--labels", partial=True))

    def _rail(self, _drawn: ChangeMap) -> Iterator[Segment]:
        at = self._gutter + (self.at_layer - self._first_layer) * self._cell_width
        yield Segment(" " * at + GLYPHS.up, Style(bold=True))

    def _scale(self, _drawn: ChangeMap) -> Iterator[Segment]:
        yield Segment("low ")
        for level in range(LEVELS):
            yield Segment(str(level)) if self._is_plain else Segment("  ", Style(bgcolor=RAMP[level]))
        yield Segment(" high  ")
        yield Segment(" ", Style(reverse=True) if self._is_plain else Style(bgcolor=CURSOR))
        yield Segment(" cursor  ")
        yield Segment(GLYPHS.mark) if self._is_plain else Segment(" ", Style(bgcolor=MARK))
        yield Segment(" marked")


def _level(drawn: ChangeMap, cell: Cell) -> int | None:
    level = drawn.levels.get(cell)
    return None if level is None else min(int(level * LEVELS), LEVELS - 1)
