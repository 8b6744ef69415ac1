"""Forward passes without the language head that accumulate statistics of layers and neurons."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.errors import CheckpointError
from engine.inference.boundary_sums import BoundarySums
from engine.inference.capture import listening_to_boundaries, listening_to_neurons
from engine.inference.down_projections import down_projections
from engine.inference.neuron_sums import NeuronSums
from engine.inference.sequences import Sequences
from engine.inference.signature import decoder_layers
from engine.tensors.library import torch_library

if TYPE_CHECKING:
    import torch


@dataclass(slots=True)
class Sums:
    """Statistics accumulated over batches."""

    boundaries: BoundarySums
    neurons: dict[int, NeuronSums]
    """Statistics by index of the down projection; only of projections that process every token."""

    def copy(self) -> "Sums":
        """Return an independent copy."""
        return Sums(self.boundaries.copy(), {number: sums.copy() for number, sums in self.neurons.items()})


class Passes:
    """Forward passes over batches of sequences of T tokens, N layers. The tokenizer's special tokens are excluded."""

    def __init__(self, model: Any, sequences: Sequences) -> None:
        self.body = model.base_model
        self.device = model.device
        self._text_before = [0, *sequences.is_text.sum(-1).cumsum(0).tolist()]
        """Number of text tokens before each sequence."""
        self.layers = decoder_layers(self.body)
        self.projections = [down_projections(layer) for layer in self.layers]
        self.sums = Sums(BoundarySums.empty(len(self.layers), self.device), {})

    def add(self, start: int, batch: Sequences) -> None:
        """Add `batch`, whose first sequence has index `start`. Has no effect if it raises.

        Raises CheckpointError with the first layer that computes NaN or infinity.
        """
        captured = _Batch(self.sums.copy(), len(self.layers), batch.is_text, self._text_before[start])
        with self._listening(captured):
            self.body(input_ids=batch.tokens.to(self.device), use_cache=False)
        captured.sums.boundaries.add(captured.boundaries)
        self._require_finite(captured.sums)
        self.sums = captured.sums

    def neuron_sums(self) -> Iterator[dict[str, NeuronSums]]:
        """Yield for each layer the statistics of its down projections by name within the layer."""
        numbers = iter(range(sum(len(layer.modules) for layer in self.projections)))
        for layer in self.projections:
            sums_of = {name: self.sums.neurons.get(next(numbers)) for name, _ in layer.modules}
            yield {name: sums for name, sums in sums_of.items() if sums is not None}

    @contextmanager
    def _listening(self, captured: "_Batch") -> Iterator[None]:
        boundaries = listening_to_boundaries(self.layers, captured.keep_boundary)
        with boundaries, listening_to_neurons(self.projections, captured.add_neurons):
            yield

    def _require_finite(self, sums: Sums) -> None:
        boundary = _first_not_finite(list(sums.boundaries.norm))
        if boundary is not None:
            raise self._not_finite("the embeddings" if boundary == 0 else f"layer {boundary - 1}")
        layers = [index for index, layer in enumerate(self.projections) for _ in layer.modules]
        numbers = sorted(sums.neurons)
        place = _first_not_finite([sums.neurons[number].mean for number in numbers])
        if place is not None:
            raise self._not_finite(f"the MLP of layer {layers[numbers[place]]}")

    def _not_finite(self, where: str) -> CheckpointError:
        dtype = str(self.body.dtype).removeprefix("torch.")
        return CheckpointError(
            f"NaN or infinity comes out of {where}",
            why=f"the model runs in {dtype}, and everything after it is lost",
            fix="Use --dtype float32 if that is wider; if not, the weights are broken.",
        )


class _Batch:
    """Capture of the n text tokens of one batch while the model runs."""

    boundaries: "torch.Tensor"
    """[n, N+1, D]"""

    def __init__(self, sums: Sums, layer_count: int, is_text: "torch.Tensor", first_token: int) -> None:
        self.sums = sums
        self._layer_count = layer_count
        self._tokens = is_text.numel()
        self._text = None if bool(is_text.all()) else is_text.flatten().nonzero().flatten()
        """Flat indices of the n text tokens; None if all tokens are text."""
        self._first_token = first_token

    def keep_boundary(self, number: int, hidden: "torch.Tensor") -> None:
        stream = self._of_text(hidden.flatten(0, 1))
        if number == 0:
            self.boundaries = stream.new_empty(len(stream), self._layer_count + 1, stream.shape[-1])
        self.boundaries[:, number] = stream

    def add_neurons(self, number: int, activations: "torch.Tensor") -> None:
        if len(activations) != self._tokens:
            return
        if number not in self.sums.neurons:
            self.sums.neurons[number] = NeuronSums.empty(activations.shape[-1], activations.device)
        self.sums.neurons[number].add(self._of_text(activations), self._first_token)

    def _of_text(self, values: "torch.Tensor") -> "torch.Tensor":
        return values if self._text is None else values.index_select(0, self._text.to(values.device))


def _first_not_finite(tensors: list["torch.Tensor"]) -> int | None:
    torch = torch_library()
    return next((place for place, tensor in enumerate(tensors) if not torch.isfinite(tensor).all()), None)
