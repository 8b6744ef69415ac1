"""State of the activations pane: displayed measurements, marked blocks, and the text for both."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from dlec_tui.charts import Curve
from dlec_tui.measurements.changes import LENSES
from dlec_tui.measurements.measured import Measured, MeasuredModel
from dlec_tui.measurements.neurons import neuron_details
from dlec_tui.measurements.plots import LEVELS, Block, BlockMap, block_at, metric_name
from dlec_tui.terminal.glyphs import GLYPHS
from engine.checkpoint.reference import directory_name
from engine.comparison.change_map import Cell
from engine.errors import shown
from engine.store.comparisons import Comparison
from engine.store.neurons import NeuronStatistics
from engine.units import plural


@dataclass(frozen=True, slots=True)
class Mark:
    """One block of layers, and the measurement under the cursor when it was marked."""

    start: int
    end: int
    """Exclusive."""
    metric: str
    """Name of the metric."""
    value: float | None
    """None where nothing was measured of this very block."""
    on: str
    """The text, how much of it, and the dtype."""

    @property
    def block(self) -> Block:
        return (self.start, self.end)


Marks = tuple[Mark, ...]


def toggled(marks: Marks, mark: Mark) -> Marks:
    """Add the mark, or remove it if its block is marked; sorted by first layer."""
    others = tuple(each for each in marks if each.block != mark.block)
    return others if len(others) < len(marks) else tuple(sorted((*marks, mark), key=lambda each: each.block))


def blocks_of(marks: Marks) -> tuple[Block, ...]:
    """Ascending."""
    return tuple(mark.block for mark in marks)


def justification(marks: Marks) -> str:
    """Justification for the plan: metric and text of each block."""
    texts = dict.fromkeys(mark.on for mark in marks)
    return "; ".join(
        f"{', '.join(_mark_reason(mark) for mark in marks if mark.on == text)} (on {text})" for text in texts
    )


def marks_text(marks: Marks) -> str:
    """Marked blocks: "6:12, 14"; "" without marks."""
    return ", ".join(short_block(mark.block) for mark in marks)


def short_block(block: Block) -> str:
    """A single layer by its number, several as START:END."""
    start, end = block
    return str(start) if end == start + 1 else f"{start}:{end}"


def block_in_words(block: Block) -> str:
    """ "layer 6", "layers 6 to 11"."""
    start, end = block
    return f"layer {start}" if end == start + 1 else f"layers {start} to {end - 1}"


def marks_as_data(marks: Marks) -> list[dict[str, Any]]:
    """Data for JSON."""
    return [asdict(mark) for mark in marks]


def marks_from_data(data: Iterable[dict[str, Any]], layers: int) -> Marks:
    """Marks from `marks_as_data`, limited to the layers of the model."""
    marks = (Mark(**each) for each in data)
    return tuple(mark for mark in marks if 0 <= mark.start < mark.end <= layers)


def _mark_reason(mark: Mark) -> str:
    where = block_in_words(mark.block)
    return f"{where} for {mark.metric}" + ("" if mark.value is None else f" {mark.value:.4g}")


@dataclass(frozen=True)
class Looking:
    """Numbers are places in lists that may be shorter after a restart: they count on from the start."""

    model: MeasuredModel
    text: int = 0
    """Index of the text."""
    metric: int = 0
    """Index of the curve."""
    overlay: int = 0
    """Index into `overlays`, counted from 1; 0 means no overlay."""
    map: int = 0
    """Index of the heat map."""
    comparison: int = 0
    """Index of the comparison."""
    lens: int = 0
    """Index of the quantity and scale of the map of changes (see `changes.LENSES`)."""

    @property
    def measured(self) -> Measured:
        return self.model.texts[self.text % len(self.model.texts)]

    @property
    def curve(self) -> Curve | None:
        """None where nothing covers enough of the model."""
        curves = self.measured.curves
        return curves[self.metric % len(curves)] if curves else None

    @property
    def overlays(self) -> tuple[Curve, ...]:
        """Curves that can be overlaid: other metrics of this text, then curves of other texts."""
        others = (text for text in self.model.texts if text is not self.measured)
        same = (curve for curve in self.measured.curves if curve is not self.curve)
        return (*same, *(_named_after(text, curve) for text in others for curve in text.curves))

    @property
    def curves(self) -> tuple[Curve, ...]:
        """Displayed curves."""
        if self.curve is None:
            return ()
        at = self.overlay % (len(self.overlays) + 1)
        return (self.curve, *self.overlays[at - 1 : at]) if at else (self.curve,)

    @property
    def block_map(self) -> BlockMap | None:
        maps = self.measured.maps
        return maps[self.map % len(maps)] if maps else None

    @property
    def compared(self) -> Comparison | None:
        """Displayed comparison; None if the model was not compared."""
        comparisons = self.model.comparisons
        return comparisons[self.comparison % len(comparisons)] if comparisons else None

    def next_lens(self) -> "Looking":
        return replace(self, lens=(self.lens + 1) % len(LENSES))

    def next_comparison(self) -> "Looking":
        return replace(self, comparison=(self.comparison + 1) % max(len(self.model.comparisons), 1))

    def next_metric(self) -> "Looking":
        return replace(self, metric=(self.metric + 1) % max(len(self.measured.curves), 1))

    def next_overlay(self) -> "Looking":
        return replace(self, overlay=(self.overlay + 1) % (len(self.overlays) + 1))

    def next_map(self) -> "Looking":
        return replace(self, map=(self.map + 1) % max(len(self.measured.maps), 1))

    def next_text(self) -> "Looking":
        return replace(self, text=(self.text + 1) % len(self.model.texts), overlay=0)

    def block_of_curve(self, layer: int) -> tuple[Block, float | None]:
        """Block under the cursor of the curve: the measured block, else the layer alone."""
        match = block_at(self.curve, layer) if self.curve else None
        return match or ((layer, layer + 1), None)

    def values_at(self, layer: int) -> Iterator[tuple[Curve, Block, float]]:
        """Everything that was measured on this text at a layer, what is drawn first."""
        shown = self.curves
        for curve in (*shown, *(curve for curve in self.measured.curves if curve not in shown)):
            if match := block_at(curve, layer):
                yield (curve, *match)

    def command(self, model: str) -> str:
        """The command line that shows the curve."""
        from engine.tasks.score import METRICS  # late: it imports all that measuring needs

        metrics = (name for name, stored in METRICS.items() if self._is_drawn(metric_name(stored)))
        if self.curve is None or (metric := next(metrics, None)) is None:
            return f"dlec profile {model}"
        return f"dlec score {model} --metric {metric} --width {self.curve.width}"

    def _is_drawn(self, name: str) -> bool:
        """Whether the curve is of the score of this name."""
        return self.curve is not None and self.curve.name.partition(",")[0] == name

    def as_data(self) -> dict[str, int]:
        """Data for JSON."""
        indices = ("text", "metric", "overlay", "map", "comparison", "lens")
        return {name: getattr(self, name) for name in indices}

    @classmethod
    def from_data(cls, model: MeasuredModel, data: Mapping[str, int]) -> "Looking":
        """View state from `as_data`."""
        return cls(model, **data)


def _named_after(text: Measured, curve: Curve) -> Curve:
    return replace(curve, name=f"{curve.name} on {text.text}")


def layer_values(looking: Looking, layer: int) -> Iterator[str]:
    """The value of each metric there, the drawn ones first."""
    yield f"layer {layer} of {looking.model.layers}"
    for curve, block, value in looking.values_at(layer):
        where = f" ({short_block(block)})" if curve.width > 1 else ""
        yield f"{curve.name}{where} {value:.4g}"


def block_values(looking: Looking, block: Block) -> Iterator[str]:
    """The value of each map there, the drawn one first."""
    drawn = looking.block_map
    yield f"{short_block(block)}: {block_in_words(block)}"
    if drawn is None:
        return
    level = drawn.level(block)
    for each in (drawn, *(other for other in looking.measured.maps if other is not drawn)):
        value = each.values.get(block)
        heat = f" ({_rank(level)})" if each is drawn and level is not None else ""
        yield f"{each.name} not measured" if value is None else f"{each.name} {value:.4g}{heat}"


def neuron_values(neuron: NeuronStatistics | None) -> Iterator[str]:
    """All that is known of the neuron under the cursor."""
    if neuron is None:
        yield "no neuron"
    else:
        yield from neuron_details(neuron)


def _rank(level: int) -> str:
    """Level of a heat map in words: "level 4 of 10"."""
    return f"level {level + 1} of {LEVELS}"


def marks_line(marks: Marks) -> str:
    """Marked blocks and the available key."""
    if not marks:
        return "Space: mark the layer or block under the cursor"
    return f"{GLYPHS.mark} marked: {marks_text(marks)}; a: add to the plan"


def comparison_line(looking: Looking) -> str:
    """Displayed comparison, and the key for the next one."""
    compared = looking.compared
    if compared is None:
        return ""
    more = " (t: next comparison)" if len(looking.model.comparisons) > 1 else ""
    return f"against {shown(directory_name(compared.a_reference))}, paired by {compared.pairing}{more}"


def cells_line(cells: Collection[Cell]) -> str:
    """Marked cells and the available key."""
    if not cells:
        return "Space: mark the cell under the cursor"
    return f"{GLYPHS.mark} {plural(len(cells), 'cell')} marked; a: graft"


def text_line(looking: Looking) -> str:
    """Measured text, and the key for the next one."""
    if not looking.model.measured_texts:
        return "not profiled (p: profile)"
    others = len(looking.model.texts) - 1
    more = " (t: next text)" if others else ""
    return f"on {shown(looking.measured.text)}{more}"
