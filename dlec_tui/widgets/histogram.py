"""How the activations of one layer are distributed, with the cursor on the layer."""

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget

from dlec_tui.measurements.histogram_text import bins_of, histogram_lines
from engine.store.profiles import LayerHistogram


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
        """The one that is shown."""

    def draw(self, histograms: Sequence[LayerHistogram], layers: int) -> None:
        """Show a model's."""
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
            return Text(f"there is no histogram of layer {self.at_layer}")
        return Text("\n".join(histogram_lines(bins, *self.size)), no_wrap=True)
