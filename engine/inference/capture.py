"""Hooks that capture the residual stream at every boundary and the inputs of down projections.

Shapes: B sequences of T tokens, hidden size D, N layers, down projections of input width I.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from engine.errors import CheckpointError
from engine.inference.down_projections import DownProjections
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
def listening_to_neurons(projections: Sequence[DownProjections], listener: Listener) -> Iterator[None]:
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
