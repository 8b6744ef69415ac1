"""Layers of a checkpoint as a sweep needs them: the protocol, and layers that are resident in memory."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

from engine.checkpoint.checkpoint import Checkpoint
from engine.inference.spread import place_of
from engine.inference.wavefront.budget import Counted
from engine.inference.wavefront.order import Stop
from engine.inference.wavefront.stored_layer import StoredLayers, Weights
from engine.inference.wavefront.visits import Step


class Walk(Protocol):
    """A walk over layers in an order that was said beforehand."""

    def weights(self, step: Step) -> Weights | None:
        """What the layer's module is to compute with instead of its own; None for its own."""
        ...


class Layers(Protocol):
    """A checkpoint's model, whose layers are resident or streamed."""

    checkpoint: Checkpoint
    model: Any
    """Embeddings, final norm and head have their weights."""
    is_resident: bool

    def walk(self, stops: Sequence[Stop], counted: Counted) -> AbstractContextManager[Walk]:
        """Within, `weights` may be asked for, of these layers and in this order."""
        ...

    def read_bytes(self, stops: Sequence[Stop]) -> int:
        """What a walk over them reads from the files."""
        ...

    def held_bytes(self, *, is_scaled: bool) -> int:
        """Of weights held at once: streamed layers and the model's ends with them, copies that are scaled."""
        ...


class ResidentLayers:
    """The layers of an opened model; `checkpoint` is what it was opened from."""

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
        """Copies of one layer's weights at most."""
        layers = range(self.checkpoint.layer_count)
        return 2 * max(map(self._stored.nbytes, layers)) if is_scaled else 0
