"""Charts of one layer axis: curves with a cursor on a layer, and the histogram of one layer."""

from collections.abc import Collection, Sequence
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.events import Resize
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from dlec_tui.charts import Chart, Curve, layer_chart
from dlec_tui.measurements.plots import bins_of, histogram_lines
from dlec_tui.terminal.glyphs import GLYPHS
from engine.store.profiles import LayerHistogram

MIN_WIDTH, MIN_HEIGHT = 24, 6
"""Minimum size for axes."""


class LayerChart(Widget, can_focus=True):
    """Chart with a line for cursor and marks; a sentence if there is nothing to draw."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "move(-1)", "layer before", show=False, id="chart.left"),
        Binding("right,l", "move(1)", "layer after", show=False, id="chart.right"),
        Binding("home,g", "move_to(0)", "first layer", show=False, id="chart.first"),
        Binding("end,G", "move_to(-1)", "last layer", show=False, id="chart.last"),
    ]
    DEFAULT_CSS = """
    LayerChart { height: 1fr; }
    LayerChart .layer-chart--cursor { color: $accent; text-style: bold; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"layer-chart--cursor"}

    class Moved(Message):
        """The cursor is on another layer."""

        def __init__(self, layer: int) -> None:
            super().__init__()
            self.layer = layer

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._curves: tuple[Curve, ...] = ()
        self._layer_count = 0
        self._placeholder = ""
        self._marked: Collection[int] = ()
        self._chart: Chart | None = None
        self._lines: list[Text] = []
        self.at_layer = 0
        """Selected layer."""

    def draw(self, curves: Sequence[Curve], layers: int, placeholder: str) -> None:
        """Show curves of a model with that many layers, or the text `otherwise` without curves."""
        self._curves, self._layer_count, self._placeholder = tuple(curves), layers, placeholder
        self.at_layer = min(self.at_layer, max(layers - 1, 0))
        self._redraw()

    def mark(self, layers: Collection[int]) -> None:
        """Show these layers as marked."""
        self._marked = layers
        self.refresh(Region(0, self.size.height - 1, self.size.width, 1))

    def go_to(self, layer: int) -> None:
        """Put the cursor on a layer."""
        layer = min(max(layer, 0), max(self._layer_count - 1, 0))
        if layer != self.at_layer:
            before, self.at_layer = self.at_layer, layer
            for each in (before, layer):
                self._refresh_column(each)
            self.post_message(self.Moved(layer))

    def action_move(self, by: int) -> None:
        self.go_to(self.at_layer + by)

    def action_move_to(self, layer: int) -> None:
        self.go_to(layer if layer >= 0 else self._layer_count - 1)

    def on_resize(self, _event: Resize) -> None:
        self._redraw()

    def render_line(self, y: int) -> Strip:
        if y < len(self._lines):
            line = self._with_cursor(y)
        elif self._chart and y == self.size.height - 1:
            line = self._rail()
        else:
            line = Text()
        strip = Strip(line.render(self.app.console)).adjust_cell_length(self.size.width)
        return strip.apply_style(self.rich_style)

    def _redraw(self) -> None:
        width, height = self.size
        self._chart = None
        if not self._curves:
            self._lines = [Text(line) for line in self._placeholder.splitlines()]
        elif width < MIN_WIDTH or height <= MIN_HEIGHT:
            self._lines = [Text("too small for a curve")]
        else:
            self._chart = layer_chart(self._curves, self._layer_count, width, height - 1)
            self._lines = [Text.from_ansi(line) for line in self._chart.lines]
        self.refresh()

    def _refresh_column(self, layer: int) -> None:
        if self._chart:
            self.refresh(Region(self._chart.column_of(layer), 0, 1, self.size.height))

    def _with_cursor(self, y: int) -> Text:
        """Line `y` of the chart, on the canvas with a thin vertical line at the cursor."""
        line = self._lines[y]
        if self._chart is None or not 1 <= y <= self._chart.rows:
            return line
        column = self._chart.column_of(self.at_layer)
        character = line.plain[column]
        return Text.assemble(
            line[:column], (_THIN if character == " " else character, self._cursor_style), line[column + 1 :]
        )

    def _rail(self) -> Text:
        """Marks and cursor."""
        assert self._chart is not None
        signs = {self._chart.column_of(layer): GLYPHS.mark for layer in self._marked}
        at = self._chart.column_of(self.at_layer)
        signs[at] = signs.get(at, GLYPHS.up)
        line = Text("".join(signs.get(column, " ") for column in range(self.size.width)))
        line.stylize(self._cursor_style, at, at + 1)
        return line

    @property
    def _cursor_style(self) -> Style:
        return self.get_component_rich_style("layer-chart--cursor", partial=True)


_THIN = "┊"


class Histogram(Widget, can_focus=True):
    """Bars over log2 of the magnitude."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "move(-1)", "layer before", show=False, id="histogram.left"),
        Binding("right,l", "move(1)", "layer after", show=False, id="histogram.right"),
        Binding("home,g", "move_to(0)", "first layer", show=False, id="histogram.first"),
        Binding("end,G", "move_to(-1)", "last layer", show=False, id="histogram.last"),
    ]
    DEFAULT_CSS = "Histogram { height: 1fr; }"

    class Moved(Message):
        """Another layer is shown."""

        def __init__(self, layer: int) -> None:
            super().__init__()
            self.layer = layer

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._histograms: tuple[LayerHistogram, ...] = ()
        self._layer_count = 1
        self.at_layer = 0
        """Displayed layer."""

    def draw(self, histograms: Sequence[LayerHistogram], layers: int) -> None:
        """Show the histograms of a model."""
        self._histograms, self._layer_count = tuple(histograms), layers
        self.refresh()

    def go_to(self, layer: int) -> None:
        """Show another layer."""
        layer = min(max(layer, 0), self._layer_count - 1)
        if layer != self.at_layer:
            self.at_layer = layer
            self.refresh()
            self.post_message(self.Moved(layer))

    def action_move(self, by: int) -> None:
        self.go_to(self.at_layer + by)

    def action_move_to(self, layer: int) -> None:
        self.go_to(layer if layer >= 0 else self._layer_count - 1)

    def render(self) -> Text:
        bins = bins_of(self._histograms, self.at_layer)
        if bins is None:
            return Text(f"no histogram for layer {self.at_layer}")
        return Text("\n".join(histogram_lines(bins, *self.size)), no_wrap=True)
