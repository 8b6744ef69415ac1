"""What of a model's measurements is being looked at: pure, and every key gives a new one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from dlec_tui.charts import Curve
from dlec_tui.measurements.curves import block_at, metric_name
from dlec_tui.measurements.heat import Block, BlockMap
from dlec_tui.measurements.measured import Measured, MeasuredModel


@dataclass(frozen=True)
class Looking:
    """Numbers are places in lists that may be shorter after a restart: they count on from the start."""

    model: MeasuredModel
    text: int = 0
    """Which of the model's texts."""
    metric: int = 0
    """Which curve."""
    overlay: int = 0
    """Which of `overlays`; 0 is none."""
    map: int = 0
    """Which heat map."""

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
        """What can be laid over the curve: the same text's other metrics, then the other texts' curves."""
        others = (text for text in self.model.texts if text is not self.measured)
        same = (curve for curve in self.measured.curves if curve is not self.curve)
        return (*same, *(_named_after(text, curve) for text in others for curve in text.curves))

    @property
    def curves(self) -> tuple[Curve, ...]:
        """What is drawn."""
        if self.curve is None:
            return ()
        at = self.overlay % (len(self.overlays) + 1)
        return (self.curve, *self.overlays[at - 1 : at]) if at else (self.curve,)

    @property
    def block_map(self) -> BlockMap | None:
        maps = self.measured.maps
        return maps[self.map % len(maps)] if maps else None

    def next_metric(self) -> "Looking":
        return replace(self, metric=(self.metric + 1) % max(len(self.measured.curves), 1))

    def next_overlay(self) -> "Looking":
        return replace(self, overlay=(self.overlay + 1) % (len(self.overlays) + 1))

    def next_map(self) -> "Looking":
        return replace(self, map=(self.map + 1) % max(len(self.measured.maps), 1))

    def next_text(self) -> "Looking":
        return replace(self, text=(self.text + 1) % len(self.model.texts), overlay=0)

    def block_of_curve(self, layer: int) -> tuple[Block, float | None]:
        """What Space marks on the curve: the block that was measured there, else the layer alone."""
        found = block_at(self.curve, layer) if self.curve else None
        return found or ((layer, layer + 1), None)

    def values_at(self, layer: int) -> Iterator[tuple[Curve, Block, float]]:
        """Everything that was measured on this text at a layer, what is drawn first."""
        shown = self.curves
        for curve in (*shown, *(curve for curve in self.measured.curves if curve not in shown)):
            if found := block_at(curve, layer):
                yield (curve, *found)

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
        """For JSON."""
        return {"text": self.text, "metric": self.metric, "overlay": self.overlay, "map": self.map}

    @classmethod
    def from_data(cls, model: MeasuredModel, data: Mapping[str, int]) -> "Looking":
        """What `as_data` gave."""
        return cls(model, **data)


def _named_after(text: Measured, curve: Curve) -> Curve:
    return replace(curve, name=f"{curve.name} on {text.text}")
