"""Protocols of the sources of layer weights, implemented by resident and streamed layers."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from engine.checkpoint.checkpoint import Checkpoint
from engine.inference.wavefront.budget import Counted
from engine.inference.wavefront.order import Stop
from engine.inference.wavefront.stored_layer import Weights
from engine.inference.wavefront.visits import Step


class Walk(Protocol):
    """Pass over layers in a fixed order."""

    def weights(self, step: Step) -> Weights | None:
        """Return weights that replace the layer module's own; None to use its own."""
        ...


class Layers(Protocol):
    """A checkpoint's model, whose layers are resident or streamed."""

    checkpoint: Checkpoint
    model: Any
    """Embeddings, final norm and head have their weights."""
    is_resident: bool

    def walk(self, stops: Sequence[Stop], counted: Counted) -> AbstractContextManager[Walk]:
        """Return a context in which `weights` can be called for the layers of `stops` in this order."""
        ...

    def read_bytes(self, stops: Sequence[Stop]) -> int:
        """Return the number of bytes that a walk over `stops` reads from files."""
        ...

    def held_bytes(self, *, is_scaled: bool) -> int:
        """Return the peak size in bytes of streamed layers, tensors outside the layers, and scaled copies."""
        ...
