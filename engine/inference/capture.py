"""Hooks that capture the residual stream at every boundary and the inputs of down projections, and excerpts of text.

Shapes: B sequences of T tokens, hidden size D, N layers, down projections of input width I. Down projections are
detected by names and shapes, as in engine.checkpoint.residual, so that new families need no table.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from engine.errors import CheckpointError
from engine.tensors.library import torch_library

if TYPE_CHECKING:
    import torch

Listener = Callable[[int, "torch.Tensor"], None]
"""Called with the index of a boundary or a module and its tensor, which it must neither change nor keep."""


@contextmanager
def listening_to_boundaries(layers: Sequence[Any], listener: Listener) -> Iterator[None]:
    """Call `listener` with B_0..B_N [B, T, D], in this order, whenever the model runs inside the context.

    The model's forward raises CheckpointError if its stream has another shape (several parallel streams).
    """
    with ExitStack() as hooks:
        for number, layer in enumerate(layers):
            hook = partial(_tell_input, listener, number)
            hooks.callback(layer.register_forward_pre_hook(hook, with_kwargs=True).remove)
        hooks.callback(layers[-1].register_forward_hook(partial(_tell_output, listener, len(layers))).remove)
        yield


@contextmanager
def listening_to_neurons(projections: "Sequence[DownProjections]", listener: Listener) -> Iterator[None]:
    """Call `listener` with the input [B * T, I] of each module of `projections`, numbered across all layers."""
    modules = [module for layer in projections for _, module in layer.modules]
    with ExitStack() as hooks:
        for number, module in enumerate(modules):
            hooks.callback(module.register_forward_pre_hook(partial(_tell_neurons, listener, number)).remove)
        yield


def _tell_input(listener: Listener, number: int, _layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    listener(number, _stream(args[0] if args else kwargs.get("hidden_states"), number))


def _tell_output(listener: Listener, number: int, _layer: Any, _args: Any, output: Any) -> None:
    listener(number, _stream(output[0] if isinstance(output, tuple) else output, number))


def _tell_neurons(listener: Listener, number: int, _module: Any, args: tuple[Any, ...]) -> None:
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


LENGTH = 60
"""Maximum number of characters of an excerpt."""
_BEFORE = 40
"""Maximum number of characters up to the end of the token itself."""
_TOKENS_BEFORE, _TOKENS_AFTER = 12, 8


def contexts(tokenizer: Any, sequences: "torch.Tensor", tokens: Iterable[int]) -> dict[int, str]:
    """Return an excerpt around each of `tokens`, which are flat indices into `sequences` [S, T].

    An excerpt is one line of at most 60 printable characters; the token itself ends at the 40th or before.
    """
    seq_len, rows = sequences.shape[1], sequences.tolist()
    indices = sorted(set(tokens))
    pieces = [_pieces(rows[token // seq_len], token % seq_len) for token in indices]
    before = tokenizer.batch_decode([up_to for up_to, _ in pieces])
    whole = tokenizer.batch_decode([extended for _, extended in pieces])
    return {token: _joined(*texts) for token, *texts in zip(indices, before, whole, strict=True)}


def _pieces(row: list[int], position: int) -> tuple[list[int], list[int]]:
    start = max(0, position - _TOKENS_BEFORE)
    return row[start : position + 1], row[start : position + 1 + _TOKENS_AFTER]


def _joined(before: str, whole: str) -> str:
    """Join the text up to the token's end with the rest of `whole`; decoding the rest alone may give other text."""
    left = _one_line(before)[-_BEFORE:]
    right = _one_line(whole[len(before) :])[: LENGTH - _BEFORE]
    return left + right


def _one_line(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)
