"""Runs a model over sequences, without its language head, and sums up what is heard of its layers and neurons."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.errors import CheckpointError
from engine.inference.capture import down_projections, listening_to_boundaries, listening_to_neurons
from engine.inference.profile_sums import BoundarySums, NeuronSums
from engine.inference.sequences import Sequences
from engine.inference.signature import decoder_layers
from engine.tensors.library import torch_library

if TYPE_CHECKING:
    import torch


@dataclass(slots=True)
class Sums:
    """All that is kept from batch to batch."""

    boundaries: BoundarySums
    neurons: dict[int, NeuronSums]
    """By number of the down projection; one that not every token goes through is not there."""

    def copy(self) -> "Sums":
        """A copy that can be added to without changing this one."""
        return Sums(self.boundaries.copy(), {number: sums.copy() for number, sums in self.neurons.items()})


class Passes:
    """Forward passes over batches of sequences of T tokens each, N layers. What is heard at marks is left out."""

    def __init__(self, model: Any, sequences: Sequences) -> None:
        self.body = model.base_model
        self.device = model.device
        self._text_before = [0, *sequences.is_text.sum(-1).cumsum(0).tolist()]
        """Tokens of text before each sequence."""
        self.layers = decoder_layers(self.body)
        self.projections = [down_projections(layer) for layer in self.layers]
        self.sums = Sums(BoundarySums.empty(len(self.layers), self.device), {})

    def add(self, start: int, batch: Sequences) -> None:
        """Take in `batch`, whose first sequence is number `start`. Where this fails, nothing is taken in.

        Raises CheckpointError naming the first layer that computes NaN or infinity.
        """
        heard = _Batch(self.sums.copy(), len(self.layers), batch.is_text, self._text_before[start])
        with self._listening(heard):
            self.body(input_ids=batch.tokens.to(self.device), use_cache=False)
        heard.sums.boundaries.add(heard.boundaries)
        self._require_finite(heard.sums)
        self.sums = heard.sums

    def neuron_sums(self) -> Iterator[dict[str, NeuronSums]]:
        """For each layer, what was heard of its down projections, by their names within the layer."""
        numbers = iter(range(sum(len(layer.modules) for layer in self.projections)))
        for layer in self.projections:
            found = {name: self.sums.neurons.get(next(numbers)) for name, _ in layer.modules}
            yield {name: sums for name, sums in found.items() if sums is not None}

    @contextmanager
    def _listening(self, heard: "_Batch") -> Iterator[None]:
        boundaries = listening_to_boundaries(self.layers, heard.keep_boundary)
        with boundaries, listening_to_neurons(self.projections, heard.add_neurons):
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
    """What is heard of the n tokens of text of one batch while the model runs."""

    boundaries: "torch.Tensor"
    """[n, N+1, D]"""

    def __init__(self, sums: Sums, layer_count: int, is_text: "torch.Tensor", first_token: int) -> None:
        self.sums = sums
        self._layer_count = layer_count
        self._tokens = is_text.numel()
        self._text = None if bool(is_text.all()) else is_text.flatten().nonzero().flatten()
        """Places of the n tokens among all; None where that is every one."""
        self._first_token = first_token

    def keep_boundary(self, number: int, hidden: "torch.Tensor") -> None:
        heard = self._of_text(hidden.flatten(0, 1))
        if number == 0:
            self.boundaries = heard.new_empty(len(heard), self._layer_count + 1, heard.shape[-1])
        self.boundaries[:, number] = heard

    def add_neurons(self, number: int, activations: "torch.Tensor") -> None:
        if len(activations) != self._tokens:
            return
        if number not in self.sums.neurons:
            self.sums.neurons[number] = NeuronSums.empty(activations.shape[-1], activations.device)
        self.sums.neurons[number].add(self._of_text(activations), self._first_token)

    def _of_text(self, heard: "torch.Tensor") -> "torch.Tensor":
        return heard if self._text is None else heard.index_select(0, self._text.to(heard.device))


def _first_not_finite(tensors: list["torch.Tensor"]) -> int | None:
    torch = torch_library()
    return next((place for place, tensor in enumerate(tensors) if not torch.isfinite(tensor).all()), None)
