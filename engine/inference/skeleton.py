"""The model of a stack as transformers builds and loads it, without the weights that stay what they are.

It is built from the very config that a merge would write, and transformers itself loads into it the tensors that the
merge would change, so renamed, fused and tied weights are as in the merged checkpoint. The rest is on the meta device.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any, TypeAlias

from safetensors import safe_open

from engine.checkpoint.precision import FLOAT_DTYPES
from engine.inference.failures import is_device_error, is_out_of_memory, one_line
from engine.inference.load_model import require_loaded
from engine.inference.meta_model import loaded_from_tensors, model_config_of, shape_only
from engine.plan.outputs import OutputTensor, output_config, output_tensors
from engine.plan.stack import Stack
from engine.tensors.arithmetic import scaled, torch_dtype

if TYPE_CHECKING:
    import torch

_WHAT = "the plan's model"


def skeleton(stack: Stack, dtype: Any) -> Any:
    """The model of `stack` in torch's `dtype`: a layer has weights when the plan changes a tensor of it.

    So have the ends together. Unchanged tensors of such a group have weights too, since transformers may fuse them with
    changed ones. Raises CheckpointError when transformers cannot build or load it, or lacks a tensor.
    """
    tensors = dict(_loadable(stack))
    model, info = loaded_from_tensors(merged_config(stack), tensors, _WHAT, dtype)
    require_loaded(info, _WHAT)
    return model


def merged_config(stack: Stack) -> Any:
    """The config of the merged checkpoint, read back from the text that a merge would write."""
    return model_config_of(output_config(stack).text)


def merged_dtype(stack: Stack) -> str:
    """torch's name of the dtype in which transformers opens the merged checkpoint when it may choose."""
    stated = merged_config(stack).dtype
    if stated is None:
        stated = next(torch_dtype(tensor.dtype) for tensor in output_tensors(stack) if tensor.dtype in FLOAT_DTYPES)
    return str(stated).removeprefix("torch.")


def _loadable(stack: Stack) -> Iterator[tuple[str, Any]]:
    prefix = stack.config_donor.anatomy.layer_prefix
    for _, group in groupby(output_tensors(stack), key=lambda tensor: _layer_number(tensor.name, prefix)):
        yield from _group(list(group))


def _layer_number(name: str, prefix: str) -> str:
    """ "" for a tensor outside the layers."""
    return name.removeprefix(prefix).partition(".")[0] if name.startswith(prefix) else ""


def _group(tensors: Sequence[OutputTensor]) -> Iterator[tuple[str, Any]]:
    makes = _shape if all(tensor.is_copy for tensor in tensors) else _weights
    yield from ((tensor.name, makes(tensor)) for tensor in tensors)


def _shape(tensor: OutputTensor) -> Any:
    return shape_only(tensor.source.shape, tensor.dtype)


def _weights(tensor: OutputTensor) -> Any:
    """What a merge would write, from the file's own bytes."""
    with safe_open(tensor.source.file, framework="pt") as file:
        stored = file.get_tensor(tensor.source.name_in_file)
    if tensor.is_copy:
        return stored
    factor, offset = (tensor.scaling.factor, tensor.scaling.offset) if tensor.scaling else (None, 0.0)
    return scaled(stored, torch_dtype(tensor.work_dtype), torch_dtype(tensor.dtype), factor, offset)


HandOn: TypeAlias = Callable[["torch.Tensor"], Any]
"""How the layers of a family return the residual stream: bare, or as the first of a pair."""

Change: TypeAlias = Callable[["torch.Tensor"], "torch.Tensor"]
"""What a stub does to the stream. Its result is a new tensor, so that it is known again by identity."""


@dataclass(frozen=True, slots=True)
class Call:
    """What a layer is called with, the residual stream left out."""

    positional: tuple[Any, ...]
    keywords: Mapping[str, Any]

    @property
    def arguments(self) -> dict[str, Any]:
        """By a name for messages."""
        numbered = {f"argument {place}": value for place, value in enumerate(self.positional, start=2)}
        return {**numbered, **self.keywords}


@dataclass(slots=True)
class StubRun:
    """A run of a model through its stubs, as far as it got."""

    calls: list[Call] = field(default_factory=list)
    entered: list[Any] = field(default_factory=list)
    """What entered each layer: [B, T, D] where the family's layers hand the stream on as was assumed."""
    left: list[Any] = field(default_factory=list)
    """What left each layer."""
    failure: str = ""
    """What kept the model from coming to its last layer; empty when nothing did."""

    @property
    def is_one_stream(self) -> bool:
        """Whether all that a layer's output was used for is to enter the next layer, as it was."""
        handed_on = zip(self.entered[1:], self.left, strict=False)
        return not self.failure and all(entered is left for entered, left in handed_on)


class _LastLayerReached(Exception):  # noqa: N818
    """Ends a run: final norm and language head are of no interest."""


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
    """Every module of `layers` computes `forward` instead of its own."""
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
