"""Running of single layers of a model with the arguments that its forward passes to them.

Positions, masks and windows of any family are thereby correct: the results equal the model's own exactly. Recording
runs no layer and needs no layer weights (engine.inference.stubs).

B sequences, T tokens, hidden size D, vocabulary V.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.checkpoint.layer_keys.refusals import CROSS_LAYER
from engine.errors import CheckpointError, UsageError, shown
from engine.inference.signature import decoder_layers
from engine.inference.stubs import Call, HandOn, StubRun, forward_replaced, run_stubs
from engine.tensors.library import torch_library

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Recording:
    """A model's layers with their arguments for a certain batch of tokens."""

    embedded: "torch.Tensor"
    """[B, T, D]: input of the first layer."""
    _model: Any
    _layers: Any
    _input_ids: "torch.Tensor"
    _calls: tuple[Call, ...]
    _hand_on: HandOn

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
        output = self._hand_on(hidden)
        with forward_replaced(self._layers, lambda *_, **__: output):
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
        run, hand_on = _one_stream(model, layers, tokens)
        _refuse_dependence(model, run, run_stubs(model, layers, tokens, hand_on, torch.neg))
    return Recording(run.entered[0], model, layers, tokens, tuple(run.calls), hand_on)


def _one_stream(model: Any, layers: Any, tokens: "torch.Tensor") -> tuple[StubRun, HandOn]:
    failure = ""
    for hand_on in (_bare, _in_a_pair):
        run = run_stubs(model, layers, tokens, hand_on, torch_library().clone)
        if run.is_one_stream:
            return run, hand_on
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


def _refuse_dependence(model: Any, run: StubRun, changed: StubRun) -> None:
    """Refuse a model whose layer arguments differ in `changed`, a run with other layer outputs."""
    for index, (call, other) in enumerate(zip(run.calls, changed.calls, strict=True)):
        for name, value in call.arguments.items():
            if not _is_equal(value, other.arguments[name]):
                raise _refused(model, f"`{shown(name)}` of layer {index} depends on what earlier layers computed")
            if _is_store(value):
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


def _is_store(value: Any) -> bool:
    """Return True for an empty container or a cache, to which layers may write; containers with masks are read only."""
    return not value if isinstance(value, Mapping | list) else hasattr(value, "update")


def _refused(model: Any, why: str) -> CheckpointError:
    return CheckpointError(
        f"the layers of {shown(type(model).__name__)} cannot be run individually",
        why=why,
        fix="Preview plans one at a time, if the model can be stacked.",
    )
