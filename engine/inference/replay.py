"""Running of single layers of a model with the arguments that its forward passes to them.

Positions, masks and windows of any family are thereby correct: the results equal the model's own exactly. The arguments
are recorded by running the model with stubs instead of layers, which compute nothing, so recording needs no layer
weights.

B sequences, T tokens, hidden size D, vocabulary V.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from engine.checkpoint.layer_keys.refusals import CROSS_LAYER
from engine.errors import CheckpointError, UsageError, shown
from engine.inference.decoder_layers import decoder_layers
from engine.inference.library import is_device_error, is_out_of_memory, one_line
from engine.tensors.library import torch_library

if TYPE_CHECKING:
    import torch

_WrapStream: TypeAlias = Callable[["torch.Tensor"], Any]
"""Function that wraps the residual stream as the layers of a family return it: bare, or as the first of a pair."""

_Change: TypeAlias = Callable[["torch.Tensor"], "torch.Tensor"]
"""Function that a stub applies to the stream. It returns a new tensor, which is recognised by identity."""


@dataclass(frozen=True, slots=True)
class _Call:
    """Arguments of a layer without the residual stream."""

    positional: tuple[Any, ...]
    keywords: Mapping[str, Any]

    @property
    def arguments(self) -> dict[str, Any]:
        """Arguments by names for messages."""
        numbered = {f"argument {place}": value for place, value in enumerate(self.positional, start=2)}
        return {**numbered, **self.keywords}


@dataclass(slots=True)
class _StubRun:
    """A run of a model through its stubs, possibly incomplete."""

    calls: list[_Call] = field(default_factory=list)
    inputs: list[Any] = field(default_factory=list)
    """Input of each layer: [B, T, D] if the layers pass the stream as assumed."""
    outputs: list[Any] = field(default_factory=list)
    """Output of each layer."""
    failure: str = ""
    """Reason why the model did not reach its last layer; empty if it did."""

    @property
    def is_one_stream(self) -> bool:
        """True if each layer's output is exactly the next layer's input."""
        pairs = zip(self.inputs[1:], self.outputs, strict=False)
        return not self.failure and all(inputs is outputs for inputs, outputs in pairs)


class _LastLayerReached(Exception):  # noqa: N818
    """Ends a run before final norm and language head."""


def _run_stubs(model: Any, layers: Any, input_ids: "torch.Tensor", wrap: _WrapStream, change: _Change) -> _StubRun:
    """Run `model` on `input_ids` [B, T] up to its last layer."""
    run = _StubRun()

    def stub(*positional: Any, **keywords: Any) -> Any:
        stream, call = _split_arguments(positional, keywords)
        run.inputs.append(stream)
        run.calls.append(call)
        if len(run.calls) == len(layers):
            raise _LastLayerReached
        run.outputs.append(change(stream))
        return wrap(run.outputs[-1])

    try:
        with _forward_replaced(layers, stub):
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
def _forward_replaced(layers: Any, forward: Callable[..., Any]) -> Iterator[None]:
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


def _split_arguments(positional: tuple[Any, ...], keywords: dict[str, Any]) -> tuple[Any, _Call]:
    if positional:
        return positional[0], _Call(positional[1:], keywords)
    rest = dict(keywords)
    return rest.pop("hidden_states"), _Call((), rest)


@dataclass(frozen=True)
class Recording:
    """A model's layers with their arguments for a certain batch of tokens."""

    embedded: "torch.Tensor"
    """[B, T, D]: input of the first layer."""
    _model: Any
    _layers: Any
    _input_ids: "torch.Tensor"
    _calls: tuple[_Call, ...]
    _wrap: _WrapStream

    def layer(
        self, index: int, hidden: "torch.Tensor", weights: "Mapping[str, torch.Tensor] | None" = None
    ) -> "torch.Tensor":
        """Run layer `index` on `hidden` [B, T, D]; return [B, T, D]. `weights` replace the layer's own by name.

        Raises UsageError for hidden states of another shape.
        """
        self._require_shape(hidden)
        call, module = self._calls[index], self._layers[index]
        if weights is None:
            output = module(hidden, *call.positional, **call.keywords)
        else:
            arguments = (hidden, *call.positional)
            output = torch_library().func.functional_call(module, dict(weights), arguments, dict(call.keywords))
        stream: torch.Tensor = output[0] if isinstance(output, tuple | list) else output
        return stream

    def logits(self, hidden: "torch.Tensor") -> "torch.Tensor":
        """Return the logits [B, T, V] of the last layer's output `hidden` [B, T, D]. Raises like `layer`."""
        self._require_shape(hidden)
        output = self._wrap(hidden)
        with _forward_replaced(self._layers, lambda *_, **__: output):
            logits: torch.Tensor = self._model(input_ids=self._input_ids, use_cache=False).logits
        return logits

    @property
    def nbytes(self) -> int:
        """Size of everything recorded in bytes; tensors passed to several layers count once."""
        tensors = _tensors_in([self.embedded, *(call.arguments for call in self._calls)])
        storages = {each.untyped_storage().data_ptr(): each.untyped_storage().nbytes() for each in tensors}
        return sum(storages.values())

    def _require_shape(self, hidden: "torch.Tensor") -> None:
        if hidden.shape != self.embedded.shape:
            raise UsageError(
                "the recording does not fit the hidden states",
                why=f"it was made for {tuple(self.embedded.shape)}, they have {tuple(hidden.shape)}",
                fix="Make a recording for each shape.",
            )


def record(model: Any, input_ids: "torch.Tensor") -> Recording:
    """Record the layer arguments for `input_ids` [B, T]. Other tokens, and other shapes, need another recording.

    Cost: the embeddings twice. Raises CheckpointError, with the reason, for a model whose layers exchange more than the
    residual stream.
    """
    torch = torch_library()
    _refuse_known_sharing(model)
    layers, tokens = decoder_layers(model), input_ids.to(model.device)
    with torch.no_grad():
        run, wrap = _one_stream(model, layers, tokens)
        _refuse_dependence(model, run, _run_stubs(model, layers, tokens, wrap, torch.neg))
    return Recording(run.inputs[0], model, layers, tokens, tuple(run.calls), wrap)


def _one_stream(model: Any, layers: Any, tokens: "torch.Tensor") -> tuple[_StubRun, _WrapStream]:
    failure = ""
    for wrap in (_bare, _in_a_pair):
        run = _run_stubs(model, layers, tokens, wrap, torch_library().clone)
        if run.is_one_stream:
            return run, wrap
        failure = run.failure or "it changes between them"
    raise _refused(model, f"they exchange more than the residual stream ({failure})")


def _bare(hidden: "torch.Tensor") -> Any:
    return hidden


def _in_a_pair(hidden: "torch.Tensor") -> Any:
    """Return a pair whose second element replaces attention weights; a model that uses it is detected."""
    return hidden, hidden


def _refuse_known_sharing(model: Any) -> None:
    stated = model.config.get_text_config().to_dict()
    for key, reason in CROSS_LAYER.items():
        if stated.get(key):
            raise _refused(model, f"{reason} (`{key}` is {shown(stated[key])})")


def _refuse_dependence(model: Any, run: _StubRun, changed: _StubRun) -> None:
    """Refuse a model whose layer arguments differ in `changed`, a run with other layer outputs."""
    for index, (call, other) in enumerate(zip(run.calls, changed.calls, strict=True)):
        for name, value in call.arguments.items():
            if not _is_equal(value, other.arguments[name]):
                raise _refused(model, f"`{shown(name)}` of layer {index} depends on what earlier layers computed")
            if _is_writable(value):
                raise _refused(model, f"they pass each other `{shown(name)}`, to which they may write")


def _is_equal(one: Any, other: Any) -> bool:
    torch = torch_library()
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        return one.shape == other.shape and bool(torch.equal(one, other))
    if isinstance(one, tuple | list) and isinstance(other, tuple | list):
        return len(one) == len(other) and all(map(_is_equal, one, other))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_is_equal(one[key], other[key]) for key in one)
    return not isinstance(one, torch.Tensor) and not isinstance(other, torch.Tensor)


def _tensors_in(value: Any) -> "Iterator[torch.Tensor]":
    if isinstance(value, torch_library().Tensor):
        yield value
    elif isinstance(value, tuple | list | Mapping):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from _tensors_in(each)


def _is_writable(value: Any) -> bool:
    """Return True for an empty container or a cache, to which layers may write; containers with masks are read only."""
    return not value if isinstance(value, Mapping | list) else hasattr(value, "update")


def _refused(model: Any, why: str) -> CheckpointError:
    return CheckpointError(
        f"the layers of {shown(type(model).__name__)} cannot be run individually",
        why=why,
        fix="Preview plans one at a time, if the model can be stacked.",
    )
