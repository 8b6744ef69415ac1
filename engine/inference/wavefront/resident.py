"""Layers in memory: an ordinary visit uses them directly, a scaled visit with copies of the scaled tensors.

The copies are made for each edge, which takes far less time than the edge, and freed after it.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from engine.checkpoint.checkpoint import Checkpoint
from engine.inference.spread import place_of
from engine.inference.wavefront.budget import Counted
from engine.inference.wavefront.order import Stop
from engine.inference.wavefront.stored_layer import StoredLayers, Weights
from engine.inference.wavefront.visits import Step


class ResidentLayers:
    """The layers of an opened model and its checkpoint."""

    is_resident = True

    def __init__(self, checkpoint: Checkpoint, model: Any) -> None:
        self.checkpoint = checkpoint
        self.model = model
        self._stored = StoredLayers(checkpoint, model)

    @contextmanager
    def walk(self, _stops: Sequence[Stop], _counted: Counted) -> Iterator["ResidentLayers"]:
        yield self

    def weights(self, step: Step) -> Weights | None:
        return self._stored.changed(step, place_of(self._stored.modules[step.layer])) or None

    def read_bytes(self, _stops: Sequence[Stop]) -> int:
        return 0

    def held_bytes(self, *, is_scaled: bool) -> int:
        """Return the maximum size of the copies of one layer's weights in bytes."""
        layers = range(self.checkpoint.layer_count)
        return 2 * max(map(self._stored.nbytes, layers)) if is_scaled else 0
