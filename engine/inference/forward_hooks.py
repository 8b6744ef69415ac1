"""Forward hooks that capture the residual stream and the neurons of the MLPs, and passes that accumulate statistics.

The neurons of an MLP are the inputs of its down projection. Down projections are detected by names and shapes, as in
engine.checkpoint.residual, so that new families need no table.

Shapes: B sequences of T tokens, hidden size D, N layers, down projections of input width I.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from engine.errors import CheckpointError
from engine.inference.decoder_layers import decoder_layers
from engine.inference.running_statistics import BoundarySums, NeuronSums
from engine.inference.sequences import Sequences
from engine.tensors.library import torch_library

if TYPE_CHECKING:
    import torch

_DOWN = re.compile(
    r"(?:^|\.)(?:down_proj|fc2|fc_out|c_proj|dense_4h_to_h|w2|proj_2|linear_out|output_linear)$|^feed_forward\.value$"
)
_NOT_MLP = re.compile(r"att|mamba|mixer|conv|temporal|recurrent|ssm")
_ONE_OF_THE_EXPERTS = re.compile(r"(^|\.)(\w*experts|w2|down_proj)\.\d+(\.|$)")

FUSED_EXPERTS = (
    "the routed experts are fused into one tensor: no module takes the input of their down projections, "
    "and a neuron would be a unit of one expert, seen only by the tokens routed to it"
)
SEPARATE_EXPERTS = "a neuron of a routed expert is seen only by the tokens routed to it"
NOT_FOUND = "no module of the layer is known to be a down projection"

_Listener = Callable[[int, "torch.Tensor"], None]
"""Called with the index of a boundary or a module and its tensor, which it must neither change nor keep."""


@dataclass(frozen=True, slots=True)
class DownProjections:
    """Modules of one layer whose neurons can be recorded."""

    modules: tuple[tuple[str, Any], ...]
    """Names within the layer ("mlp.down_proj", "mlp.shared_expert.down_proj") and torch modules."""
    left_out: str
    """Reason why some or all neurons of the layer are not recorded; "" if all are."""


def down_projections(layer: Any) -> DownProjections:
    """Return the down projections of a layer that process every token, i.e. none of routed experts."""
    named = [(name, module) for name, module in layer.named_modules() if _is_down_projection(name, module)]
    shared = [(name, module) for name, module in named if not _ONE_OF_THE_EXPERTS.search(name)]
    return DownProjections(tuple(shared), _left_out(layer, named, shared))


def _is_down_projection(name: str, module: Any) -> bool:
    return bool(_DOWN.search(name)) and not _NOT_MLP.search(name) and _is_linear(module)


def _is_linear(module: Any) -> bool:
    """Return True for a Linear (or a quantised subclass), or GPT-2's Conv1D, a Linear with a transposed matrix."""
    return isinstance(module, torch_library().nn.Linear) or type(module).__name__ == "Conv1D"


def _left_out(layer: Any, named: list[Any], shared: list[Any]) -> str:
    if any(_holds_fused_experts(name, module) for name, module in layer.named_modules()):
        return FUSED_EXPERTS
    if len(named) > len(shared):
        return SEPARATE_EXPERTS
    return "" if shared else NOT_FOUND


def _holds_fused_experts(name: str, module: Any) -> bool:
    """Return True if the module itself has a 3-dimensional parameter and is not a convolution or a recurrence."""
    return not _NOT_MLP.search(name) and any(parameter.dim() == 3 for parameter in _own_parameters(module))


def _own_parameters(module: Any) -> Iterator[Any]:
    return (parameter for _, parameter in module.named_parameters(recurse=False))


@contextmanager
def _boundary_hooks(layers: Sequence[Any], listener: _Listener) -> Iterator[None]:
    """Call `listener` with B_0..B_N [B, T, D], in this order, whenever the model runs inside the context.

    The model's forward raises CheckpointError if its stream has another shape (several parallel streams).
    """
    with ExitStack() as hooks:
        for number, layer in enumerate(layers):
            hook = partial(_pass_input, listener, number)
            hooks.callback(layer.register_forward_pre_hook(hook, with_kwargs=True).remove)
        hooks.callback(layers[-1].register_forward_hook(partial(_pass_output, listener, len(layers))).remove)
        yield


@contextmanager
def _neuron_hooks(projections: Sequence[DownProjections], listener: _Listener) -> Iterator[None]:
    """Call `listener` with the input [B * T, I] of each module of `projections`, numbered across all layers."""
    modules = [module for layer in projections for _, module in layer.modules]
    with ExitStack() as hooks:
        for number, module in enumerate(modules):
            hooks.callback(module.register_forward_pre_hook(partial(_pass_neurons, listener, number)).remove)
        yield


def _pass_input(listener: _Listener, number: int, _layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    listener(number, _stream(args[0] if args else kwargs.get("hidden_states"), number))


def _pass_output(listener: _Listener, number: int, _layer: Any, _args: Any, output: Any) -> None:
    listener(number, _stream(output[0] if isinstance(output, tuple) else output, number))


def _pass_neurons(listener: _Listener, number: int, _module: Any, args: tuple[Any, ...]) -> None:
    listener(number, args[0].flatten(0, -2))


def _stream(hidden: Any, boundary: int) -> "torch.Tensor":
    if not isinstance(hidden, torch_library().Tensor) or hidden.dim() != 3:
        kind = f"{hidden.dim()} dimensions" if hasattr(hidden, "dim") else type(hidden).__name__
        raise CheckpointError(
            "the model's residual stream is not supported",
            why=f"boundary {boundary} has {kind} instead of sequence, token and hidden size",
            fix="Stack its layers without measuring them.",
        )
    stream: torch.Tensor = hidden
    return stream


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
        with self._hooked(captured):
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
    def _hooked(self, captured: "_Batch") -> Iterator[None]:
        boundaries = _boundary_hooks(self.layers, captured.keep_boundary)
        with boundaries, _neuron_hooks(self.projections, captured.add_neurons):
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
