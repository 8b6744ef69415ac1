"""The model of a stack as built and loaded by transformers, without the weights that the plan leaves unchanged.

It is built from the config that a merge would write, and transformers loads the tensors that the merge would change, so
renamed, fused and tied weights are as in the merged checkpoint. All other tensors are on the meta device.
"""

from collections.abc import Iterator, Set
from itertools import groupby
from typing import Any

from safetensors import safe_open

from engine.checkpoint.formats.format import StoredTensor
from engine.checkpoint.precision import FLOAT_DTYPES
from engine.inference.load_model import require_loaded
from engine.inference.meta_model import loaded_from_tensors, model_config_of, shape_only
from engine.plan.outputs import Cast, Fill, Mean, OutputTensor, Scale, output_config, output_tensors
from engine.plan.stack import Stack
from engine.tensors.arithmetic import mean, scaled, torch_dtype
from engine.tensors.library import torch_library
from engine.tensors.reading import read_tensors

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
    stored = {tensor for checkpoint in stack.checkpoints for tensor in checkpoint.tensors.values()}
    for _, group in groupby(output_tensors(stack), key=lambda tensor: _layer_number(tensor.name, prefix)):
        tensors = list(group)
        makes = _shape if all(_is_shared(tensor, stored) for tensor in tensors) else _weights
        yield from ((tensor.name, makes(tensor)) for tensor in tensors)


def _layer_number(name: str, prefix: str) -> str:
    """Return the layer number in a tensor name; "" for a tensor outside the layers."""
    return name.removeprefix(prefix).partition(".")[0] if name.startswith(prefix) else ""


def _is_shared(tensor: OutputTensor, stored: Set[StoredTensor]) -> bool:
    """Whether it is one tensor of a source as that stores it, which the opened source has in memory."""
    return tensor.is_copy and len(tensor.pieces) == 1 and tensor.pieces[0] in stored


def _shape(tensor: OutputTensor) -> Any:
    return shape_only(tensor.shape, tensor.dtype)


def _weights(tensor: OutputTensor) -> Any:
    """Return the tensor that a merge would write."""
    torch = torch_library()
    match tensor.operation:
        case Fill(value):
            return torch.full(tensor.shape, value, dtype=torch_dtype(tensor.dtype))
        case Mean():
            return mean([_stored(piece) for piece in tensor.pieces], torch_dtype(tensor.dtype))
        case _:
            pieces = [_computed(tensor, _stored(piece)) for piece in tensor.pieces]
    return pieces[0] if len(pieces) == 1 else torch.cat([each.flatten() for each in pieces]).reshape(tensor.shape)


def _computed(tensor: OutputTensor, stored: Any) -> Any:
    match tensor.operation:
        case Cast(work_dtype):
            return scaled(stored, torch_dtype(work_dtype), torch_dtype(tensor.dtype), None)
        case Scale(scaling, work_dtype):
            dtypes = torch_dtype(work_dtype), torch_dtype(tensor.dtype)
            return scaled(stored, *dtypes, scaling.factor, scaling.offset)
        case _:
            return stored


def _stored(piece: StoredTensor) -> Any:
    with safe_open(piece.file, framework="pt") as file:
        whole = file.get_slice(piece.name_in_file)
        if tuple(whole.get_shape()) == piece.shape:
            return file.get_tensor(piece.name_in_file)
    ((_, tensor),) = read_tensors({piece.name: piece})
    return tensor
