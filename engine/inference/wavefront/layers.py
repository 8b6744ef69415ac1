"""Where the weights of a visit come from while an order is run: what resident and streamed layers have in common."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from engine.checkpoint.checkpoint import Checkpoint
from engine.inference.wavefront.budget import Counted
from engine.inference.wavefront.order import Stop
from engine.inference.wavefront.stored_layer import Weights
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
