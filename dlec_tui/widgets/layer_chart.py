"""One or two metrics of a model over its layers, drawn as large as the widget is."""

from collections.abc import Sequence

from rich.text import Text
from textual.events import Resize
from textual.widgets import Static

from dlec_tui.charts import Curve, layer_curves

MIN_WIDTH, MIN_HEIGHT = 24, 6
"""Below this there is no room for axes."""


class LayerChart(Static):
    """A chart; a sentence where there is nothing to draw."""

    DEFAULT_CSS = "LayerChart { height: 1fr; }"

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, markup=False)
        self._curves: tuple[Curve, ...] = ()
        self._layers = 0
        self._otherwise = ""

    def draw(self, curves: Sequence[Curve], layers: int, otherwise: str) -> None:
        """Show `curves` over that many layers, or the text `otherwise` when there are none."""
        self._curves, self._layers, self._otherwise = tuple(curves), layers, otherwise
        self._redraw()

    def on_resize(self, _event: Resize) -> None:
        self._redraw()

    def _redraw(self) -> None:
        width, height = self.content_size
        if not self._curves:
            self.update(self._otherwise)
        elif width < MIN_WIDTH or height < MIN_HEIGHT:
            self.update("no room for the curve")
        else:
            self.update(Text.from_ansi(layer_curves(self._curves, self._layers, width, height)))
