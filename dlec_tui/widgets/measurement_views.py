"""Views of the measurements: curve, heat map, histogram, neurons, changes. All share the current layer."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.message import Message
from textual.widget import Widget
from textual.widgets import ContentSwitcher

from dlec_tui.measurements.changes import cell_values, map_of, map_title
from dlec_tui.measurements.neurons import NeuronView
from dlec_tui.measurements.view_state import Looking, Mark, Marks, block_values, blocks_of, layer_values, neuron_values
from dlec_tui.widgets.change_view import ChangeView
from dlec_tui.widgets.heat_map import HeatMap
from dlec_tui.widgets.layer_charts import Histogram, LayerChart
from dlec_tui.widgets.neuron_table import NeuronBrowser, NeuronTable
from engine.comparison.change_map import Cell
from engine.errors import shown
from engine.store.neurons import NeuronOrder

VIEWS = ("curve", "map", "histogram", "neurons", "changes")
NO_CURVE = "Too few layers measured for a curve (v: next view)."


class MeasurementViews(ContentSwitcher):
    """Shows one view at a time."""

    DEFAULT_CSS = "MeasurementViews { height: 1fr; }"

    class Moved(Message):
        """The cursor has moved, or the view has changed."""

    def __init__(self, store: Path, *, id: str) -> None:
        super().__init__(id=id, initial="curve")
        self._store = store
        self._looking: Looking | None = None
        self._view = "curve"
        """Requested view; without measurements, the curve shows a text instead."""

    def compose(self) -> ComposeResult:
        yield LayerChart(id="curve")
        yield HeatMap(id="map")
        yield Histogram(id="histogram")
        yield NeuronBrowser(self._store, id="neurons")
        yield ChangeView(id="changes")

    @property
    def view(self) -> str:
        """One of VIEWS."""
        return self._view if self._looking else "curve"

    @property
    def at_layer(self) -> int:
        """Selected layer."""
        match self.view:
            case "map":
                return self._map.block[0]
            case "histogram":
                return self._histogram.at_layer
            case "neurons":
                return self.neurons.current.layer if self.neurons.current else self._chart.at_layer
            case "changes":
                return self._changes.at_layer
        return self._chart.at_layer

    @property
    def neurons(self) -> NeuronBrowser:
        return self.query_one(NeuronBrowser)

    def show(self, looking: Looking | None, placeholder: str) -> None:
        """Show a view state, or the text `otherwise` without one."""
        self._looking = looking
        if looking is None:
            self._chart.draw((), 1, placeholder)
        else:
            self._draw(looking)
        self._bring_to_front()

    def show_view(self, view: str) -> None:
        """Show another view at the same layer."""
        layer = self.at_layer
        self._view = view
        self._bring_to_front()
        self.go_to(layer)
        self.post_message(self.Moved())

    def _draw(self, looking: Looking) -> None:
        layers, measured = looking.model.layers, looking.measured
        self._chart.draw(looking.curves, layers, NO_CURVE)
        self._map.draw(looking.block_map, layers)
        self._histogram.draw(measured.histograms, layers)
        self._changes.draw(map_of(looking.compared, looking.lens) if looking.compared else None)
        if self.neurons.key != measured.key:
            self.neurons.open(measured.key, self.neurons.view, self.neurons.row)

    def _bring_to_front(self) -> None:
        """Bring the requested view to the front, with the focus if the previous view had it."""
        has_focus = self.has_focus_within
        self.current = self.view
        if has_focus:  # immediately, not by focus(): the next keys belong to the new view
            self.screen.set_focus(self.query_one(f"#{self.view}", Widget))

    def go_to(self, layer: int) -> None:
        """Move the cursor of the current view to a layer."""
        match self.view:
            case "curve":
                self._chart.go_to(layer)
            case "map":
                length = self._map.block[1] - self._map.block[0]
                self._map.go_to((layer, layer + length))
            case "histogram":
                self._histogram.go_to(layer)
            case "changes":
                self._changes.go_to(layer)
            case "neurons":
                if self.neurons.current and self.neurons.current.layer != layer and self.neurons.view == NeuronView():
                    self.neurons.go_to_layer(layer)

    def mark(self, marks: Marks) -> None:
        """Show these marks."""
        blocks = blocks_of(marks)
        self._chart.mark({layer for block in blocks for layer in range(*block)})
        self._map.mark(blocks)

    def mark_cells(self, cells: Collection[Cell]) -> None:
        """Show these cells of the map of changes as marked."""
        self._changes.mark(cells)

    @property
    def cell(self) -> Cell | None:
        """Cell under the cursor of the map of changes."""
        return self._changes.cell

    def target(self) -> Mark | None:
        """Block under the cursor as a mark; None if nothing is shown."""
        looking = self._looking
        if looking is None:
            return None
        on = looking.measured.text
        if self.view == "map" and looking.block_map:
            block, block_map = self._map.block, looking.block_map
            return Mark(*block, block_map.name, block_map.values.get(block), on)
        if self.view == "neurons" and (neuron := self.neurons.current):
            return Mark(neuron.layer, neuron.layer + 1, f"the peak of neuron {neuron.neuron}", neuron.peak, on)
        block, value = looking.block_of_curve(self.at_layer)
        name = looking.curve.name if looking.curve and value is not None else "its place"
        return Mark(*block, name, value, on)

    def figures(self) -> Iterator[str]:
        """Values under the cursor, in words."""
        if self._looking is None:
            return iter(())
        match self.view:
            case "map":
                return block_values(self._looking, self._map.block)
            case "neurons":
                return neuron_values(self.neurons.current)
            case "changes":
                return cell_values(self._looking.compared, self.cell) if self._looking.compared else iter(())
        return layer_values(self._looking, self.at_layer)

    @property
    def title(self) -> str:
        """Title of the view."""
        if self._looking is None:
            return "layers"
        match self.view:
            case "map":
                name = self._looking.block_map.name if self._looking.block_map else "not measured"
                return f"blocks: {name}; first layer across, length down"
            case "histogram":
                return f"activations of layer {self.at_layer}"
            case "neurons":
                return self.neurons.described
            case "changes":
                compared = self._looking.compared
                return map_title(compared, self._looking.lens) if compared else "changes: nothing compared"
        return "layers: " + shown(" and ".join(curve.name for curve in self._looking.curves))

    def remembered(self) -> dict[str, Any]:
        """Cursor positions as data for JSON."""
        neurons = self.neurons
        return {
            "view": self.view,
            "layer": self.at_layer,
            "block": list(self._map.block),
            "row": neurons.row,
            "changes": [self._changes.row, self._changes.at_layer],
            "neurons": [neurons.view.order, neurons.view.descending, neurons.view.filter_text],
        }

    def recall(self, remembered: dict[str, Any]) -> None:
        """Restore cursor positions before the measurements are shown."""
        self._view = remembered["view"]
        self._chart.at_layer = self._histogram.at_layer = remembered["layer"]
        start, end = remembered["block"]
        self._map.block = (start, end)
        self._changes.row, self._changes.at_layer = remembered["changes"]
        order, descending, filter_text = remembered["neurons"]
        self.neurons.view, self.neurons.row = NeuronView(NeuronOrder(order), descending, filter_text), remembered["row"]

    @property
    def _chart(self) -> LayerChart:
        return self.query_one(LayerChart)

    @property
    def _map(self) -> HeatMap:
        return self.query_one(HeatMap)

    @property
    def _histogram(self) -> Histogram:
        return self.query_one(Histogram)

    @property
    def _changes(self) -> ChangeView:
        return self.query_one(ChangeView)

    @on(LayerChart.Moved)
    @on(HeatMap.Moved)
    @on(Histogram.Moved)
    @on(NeuronTable.Moved)
    @on(ChangeView.Moved)
    def _moved(self) -> None:
        self.post_message(self.Moved())
