"""The model of a stack as built and loaded by transformers, without the weights that the plan leaves unchanged.

It is built from the config that a merge would write, and transformers loads the tensors that the merge would change, so
renamed, fused and tied weights are as in the merged checkpoint. All other tensors are on the meta device.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from safetensors import safe_open

from engine.checkpoint.precision import FLOAT_DTYPES
from engine.inference.load_model import require_loaded
from engine.inference.meta_model import loaded_from_tensors, model_config_of, shape_only
from engine.plan.outputs import OutputTensor, output_config, output_tensors
from engine.plan.stack import Stack
from engine.tensors.arithmetic import scaled, torch_dtype

_WHAT = "the plan's model"


def skeleton(stack: Stack, dtype: Any) -> Any:
    """Return the model of `stack` in a torch dtype: a layer has weights if the plan changes one of its tensors.

    The tensors outside the layers count as one group. All tensors of a changed layer or group have weights, since
    transformers may fuse them. Raises CheckpointError if transformers cannot build or load it, or a tensor is missing.
    """
    tensors = dict(_loadable(stack))
    model, info = loaded_from_tensors(merged_config(stack), tensors, _WHAT, dtype)
    require_loaded(info, _WHAT)
    return model


def merged_config(stack: Stack) -> Any:
    """Return the config of the merged checkpoint, parsed from the text that a merge would write."""
    return model_config_of(output_config(stack).text)


def merged_dtype(stack: Stack) -> str:
    """Return the torch dtype name in which transformers opens the merged checkpoint by default."""
    stated = merged_config(stack).dtype
    if stated is None:
        stated = next(torch_dtype(tensor.dtype) for tensor in output_tensors(stack) if tensor.dtype in FLOAT_DTYPES)
    return str(stated).removeprefix("torch.")


def _loadable(stack: Stack) -> Iterator[tuple[str, Any]]:
    prefix = stack.config_donor.anatomy.layer_prefix
    for _, group in groupby(output_tensors(stack), key=lambda tensor: _layer_number(tensor.name, prefix)):
        yield from _group(list(group))


def _layer_number(name: str, prefix: str) -> str:
    """Return the layer number in a tensor name; "" for a tensor outside the layers."""
    return name.removeprefix(prefix).partition(".")[0] if name.startswith(prefix) else ""


def _group(tensors: Sequence[OutputTensor]) -> Iterator[tuple[str, Any]]:
    makes = _shape if all(tensor.is_copy for tensor in tensors) else _weights
    yield from ((tensor.name, makes(tensor)) for tensor in tensors)


def _shape(tensor: OutputTensor) -> Any:
    return shape_only(tensor.source.shape, tensor.dtype)


def _weights(tensor: OutputTensor) -> Any:
    """Return the tensor that a merge would write."""
    with safe_open(tensor.source.file, framework="pt") as file:
        stored = file.get_tensor(tensor.source.name_in_file)
    if tensor.is_copy:
        return stored
    factor, offset = (tensor.scaling.factor, tensor.scaling.offset) if tensor.scaling else (None, 0.0)
    return scaled(stored, torch_dtype(tensor.work_dtype), torch_dtype(tensor.dtype), factor, offset)
