"""The heat map of blocks: their first layer across, their length down, two lengths to a line where room is short."""

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.events import Click, Resize
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from dlec_tui.measurements.plots import LEVELS, RAMP, Block, BlockMap
from dlec_tui.terminal.glyphs import GLYPHS
from dlec_tui.terminal.theme_names import has_few_colours

CURSOR, MARK = "#ffffff", "#ff5f87"
_GUTTER = 5
"""Columns for the lengths at the left."""
_FOOT = 3
"""Lines below the map: the layers, the cursor, the scale."""
_LAYERS_PER_LABEL = 5
_WIDEST_CELL = 3


@dataclass(frozen=True, slots=True)
class _Window:
    """The part of the map that there is room for."""

    first_start: int
    starts: int
    first_length: int
    lengths: int
    cell_width: int


class HeatMap(Widget, can_focus=True):
    """A map, a cursor on a block, and the scale. With few colours, or in ASCII, digits and one length to a line."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "move(-1, 0)", "a layer earlier", show=False, id="heat.left"),
        Binding("right,l", "move(1, 0)", "a layer later", show=False, id="heat.right"),
        Binding("up,k", "move(0, -1)", "shorter", show=False, id="heat.shorter"),
        Binding("down,j", "move(0, 1)", "longer", show=False, id="heat.longer"),
        Binding("home,g", "first", "first layer", show=False, id="heat.first"),
        Binding("end,G", "last", "last layer", show=False, id="heat.last"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"heat-map--labels"}
    DEFAULT_CSS = """
    HeatMap { height: 1fr; }
    HeatMap > .heat-map--labels { color: $text-muted; }
    """

    class Moved(Message):
        """The cursor is on another block."""

        def __init__(self, block: Block) -> None:
            super().__init__()
            self.block = block

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._map: BlockMap | None = None
        self._layers = 1
        self._marked: Collection[Block] = ()
        self.block: Block = (0, 1)
        """Under the cursor."""

    def draw(self, block_map: BlockMap | None, layers: int) -> None:
        """Show a map of the blocks of a model with that many layers."""
        self._map, self._layers = block_map, layers
        self.go_to(self.block)
        self.refresh()

    def mark(self, blocks: Collection[Block]) -> None:
        """Show these blocks as marked."""
        self._marked = blocks
        self.refresh()

    def go_to(self, block: Block) -> None:
        """Put the cursor on a block, as near as there is one."""
        longest = self._map.longest if self._map else 1
        length = min(max(block[1] - block[0], 1), longest)
        start = min(max(block[0], 0), self._layers - length)
        if (start, start + length) != self.block:
            self.block = (start, start + length)
            self.refresh()
            self.post_message(self.Moved(self.block))

    def action_move(self, layers: int, longer: int) -> None:
        start, end = self.block
        self.go_to((start + layers, end + layers + longer))

    def action_first(self) -> None:
        self.go_to((0, self.block[1] - self.block[0]))

    def action_last(self) -> None:
        self.go_to((self._layers, self._layers + self.block[1] - self.block[0]))

    def on_click(self, event: Click) -> None:
        if self._map is None:
            return
        window = self._window(self._map)
        layer = window.first_start + (event.x - _GUTTER) // window.cell_width
        length = window.first_length + event.y * self._lengths_per_line
        lines = -(-window.lengths // self._lengths_per_line)
        if event.x >= _GUTTER and event.y < lines and layer < window.first_start + window.starts:
            self.go_to((layer, layer + length))

    def on_resize(self, _event: Resize) -> None:
        self.refresh()

    @property
    def _is_plain(self) -> bool:
        return self.app.no_color or GLYPHS.is_ascii or has_few_colours(os.environ)

    def render_line(self, y: int) -> Strip:
        if self._map is None:
            return Strip.blank(self.size.width, self.rich_style)
        window = self._window(self._map)
        lines = -(-window.lengths // self._lengths_per_line)
        if y < lines:
            segments = list(self._cells_line(self._map, window, y))
        else:
            foot = (self._labels_line, self._rail_line, self._scale_line)
            segments = list(foot[y - lines](self._map, window)) if y - lines < _FOOT else []
        return Strip(segments).adjust_cell_length(self.size.width).apply_style(self.rich_style)

    @property
    def _lengths_per_line(self) -> int:
        is_roomy = self._map is not None and self._map.longest <= self.size.height - _FOOT
        return 1 if self._is_plain or is_roomy else 2

    def _window(self, block_map: BlockMap) -> _Window:
        """Part of the map that fits, including the cursor."""
        width, height = self.size
        cell_width = min(max((width - _GUTTER) // self._layers, 1), _WIDEST_CELL)
        starts = min(max((width - _GUTTER) // cell_width, 1), self._layers)
        lengths = min(max(height - _FOOT, 1) * self._lengths_per_line, block_map.longest)
        start, length = self.block[0], self.block[1] - self.block[0]
        first_start = max(0, start - starts + 1)
        first_length = max(1, length - lengths + 1)
        first_length += (first_length + 1) % self._lengths_per_line  # pairs stay pairs while scrolling
        return _Window(first_start, starts, first_length, lengths, cell_width)

    def _cells_line(self, block_map: BlockMap, window: _Window, y: int) -> Iterator[Segment]:
        length = window.first_length + y * self._lengths_per_line
        own = self.block[1] - self.block[0]
        is_current = length <= own < length + self._lengths_per_line
        yield Segment(
            f"{GLYPHS.cursor if is_current else ' '}{own if is_current else length:>3} ", Style(bold=is_current)
        )
        starts = range(window.first_start, window.first_start + window.starts)
        cell = self._shade if self._is_plain else self._whole if self._lengths_per_line == 1 else self._halves
        for (text, style), group in groupby(cell(block_map, start, length) for start in starts):
            yield Segment(text * (len(list(group)) * window.cell_width), style)

    def _whole(self, block_map: BlockMap, start: int, length: int) -> tuple[str, Style]:
        return " ", Style(bgcolor=self._colour(block_map, (start, start + length)))

    def _halves(self, block_map: BlockMap, start: int, length: int) -> tuple[str, Style]:
        """A cell with one length above another."""
        top, bottom = (self._colour(block_map, (start, start + each)) for each in (length, length + 1))
        if top == bottom:
            return " ", Style(bgcolor=top)
        if top is None:
            return GLYPHS.lower_half, Style(color=bottom)
        return GLYPHS.half, Style(color=top, bgcolor=bottom)

    def _colour(self, block_map: BlockMap, block: Block) -> str | None:
        if block == self.block:
            return CURSOR
        if block in self._marked:
            return MARK
        level = block_map.level(block)
        return None if level is None else RAMP[level]

    def _shade(self, block_map: BlockMap, start: int, length: int) -> tuple[str, Style]:
        """The level as a digit; reversed under the cursor."""
        block = (start, start + length)
        level = block_map.level(block)
        sign = GLYPHS.mark if block in self._marked else " " if level is None else str(level)
        return sign, Style(reverse=block == self.block)

    def _labels_line(self, _map: BlockMap, window: _Window) -> Iterator[Segment]:
        line = [" "] * self.size.width
        for start in range(window.first_start, window.first_start + window.starts):
            label, at = str(start), _GUTTER + (start - window.first_start) * window.cell_width
            if start % self._label_step(window) == 0 and at + len(label) <= len(line):
                line[at : at + len(label)] = label
        yield Segment("".join(line), self.get_component_rich_style("heat-map--labels", partial=True))

    def _label_step(self, window: _Window) -> int:
        return _LAYERS_PER_LABEL if window.cell_width > 1 else 2 * _LAYERS_PER_LABEL

    def _rail_line(self, _map: BlockMap, window: _Window) -> Iterator[Segment]:
        at = _GUTTER + (self.block[0] - window.first_start) * window.cell_width
        yield Segment(" " * at + GLYPHS.up, Style(bold=True))

    def _scale_line(self, block_map: BlockMap, _window: _Window) -> Iterator[Segment]:
        scale = block_map.scale
        yield Segment(f"{block_map.name}  {scale.low:.3g} ")
        for level in range(LEVELS):
            yield Segment(str(level)) if self._is_plain else Segment("  ", Style(bgcolor=RAMP[level]))
        yield Segment(f" {scale.high:.3g}  ")
        yield Segment(" ", Style(reverse=True) if self._is_plain else Style(bgcolor=CURSOR))
        yield Segment(" cursor  ")
        yield Segment(GLYPHS.mark) if self._is_plain else Segment(" ", Style(bgcolor=MARK))
        yield Segment(" marked")
