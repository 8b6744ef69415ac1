"""Running of a model with stubs instead of layers, which record their arguments and compute nothing.

No layer needs its weights, and the arguments are those that the model's own code passes to its layers.
B sequences, T tokens, hidden size D, vocabulary V.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from engine.inference.failures import is_device_error, is_out_of_memory, one_line

if TYPE_CHECKING:
    import torch

HandOn: TypeAlias = Callable[["torch.Tensor"], Any]
"""Function that wraps the residual stream as the layers of a family return it: bare, or as the first of a pair."""

Change: TypeAlias = Callable[["torch.Tensor"], "torch.Tensor"]
"""Function that a stub applies to the stream. It returns a new tensor, which is recognised by identity."""


@dataclass(frozen=True, slots=True)
class Call:
    """Arguments of a layer without the residual stream."""

    positional: tuple[Any, ...]
    keywords: Mapping[str, Any]

    @property
    def arguments(self) -> dict[str, Any]:
        """Arguments by names for messages."""
        numbered = {f"argument {place}": value for place, value in enumerate(self.positional, start=2)}
        return {**numbered, **self.keywords}


@dataclass(slots=True)
class StubRun:
    """A run of a model through its stubs, possibly incomplete."""

    calls: list[Call] = field(default_factory=list)
    entered: list[Any] = field(default_factory=list)
    """Input of each layer: [B, T, D] if the layers pass the stream as assumed."""
    left: list[Any] = field(default_factory=list)
    """Output of each layer."""
    failure: str = ""
    """Reason why the model did not reach its last layer; empty if it did."""

    @property
    def is_one_stream(self) -> bool:
        """True if each layer's output is exactly the next layer's input."""
        handed_on = zip(self.entered[1:], self.left, strict=False)
        return not self.failure and all(entered is left for entered, left in handed_on)


class _LastLayerReached(Exception):  # noqa: N818
    """Ends a run before final norm and language head."""


def run_stubs(model: Any, layers: Any, input_ids: "torch.Tensor", hand_on: HandOn, change: Change) -> StubRun:
    """Run `model` on `input_ids` [B, T] up to its last layer."""
    run = StubRun()

    def stub(*positional: Any, **keywords: Any) -> Any:
        stream, call = _taken_apart(positional, keywords)
        run.entered.append(stream)
        run.calls.append(call)
        if len(run.calls) == len(layers):
            raise _LastLayerReached
        run.left.append(change(stream))
        return hand_on(run.left[-1])

    try:
        with forward_replaced(layers, stub):
            model(input_ids=input_ids, use_cache=False)
        run.failure = f"{len(run.calls)} of {len(layers)} layers are called"
    except _LastLayerReached:
        pass
    except Exception as error:
        if is_out_of_memory(error) or is_device_error(error):
            raise
        run.failure = one_line(error)
    return run


@contextmanager
def forward_replaced(layers: Any, forward: Callable[..., Any]) -> Iterator[None]:
    """Replace the forward of every module of `layers` inside the context."""
    before = [vars(layer).get("forward") for layer in layers]
    try:
        for layer in layers:
            layer.forward = forward
        yield
    finally:
        for layer, own in zip(layers, before, strict=True):
            del layer.forward
            if own is not None:
                layer.forward = own


def _taken_apart(positional: tuple[Any, ...], keywords: dict[str, Any]) -> tuple[Any, Call]:
    if positional:
        return positional[0], Call(positional[1:], keywords)
    rest = dict(keywords)
    return rest.pop("hidden_states"), Call((), rest)
