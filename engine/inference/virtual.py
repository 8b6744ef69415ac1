"""Virtual models: a plan as an ordinary transformers model that shares the weights of its sources.

The model is built from the config that a merge would write. transformers loads the tensors that a merge would change,
computed by the same arithmetic, so renamed, fused and tied weights are as in the merged checkpoint; all other tensors
share the memory of the source models. So it computes exactly what the merged checkpoint computes, including generation
with caches.
"""

import copy
from collections.abc import Iterator, Mapping, Sequence, Set
from itertools import groupby
from pathlib import Path
from typing import Any

from safetensors import safe_open

from engine.checkpoint.anatomy import End, dissect
from engine.checkpoint.checkpoint import FLOAT_DTYPES, Checkpoint, require_local
from engine.checkpoint.find import opener
from engine.checkpoint.formats.format import StoredTensor
from engine.errors import CheckpointError, shown
from engine.inference.decoder_layers import decoder_layers, layer_modules
from engine.inference.device_map import device_of, devices_of, dispatch_layers, is_spread, last_device
from engine.inference.devices import room_for
from engine.inference.load_model import open_model, require_loaded
from engine.inference.meta_model import loaded_from_tensors, model_config_of, shape_only
from engine.plan.check import check_plan
from engine.plan.outputs import Cast, Fill, Mean, OutputTensor, Scale, output_config, output_tensors, renamed
from engine.plan.patches import open_patches
from engine.plan.plan_file import plan_text
from engine.plan.rules import CheckContext
from engine.plan.stack import Stack
from engine.tensors.library import torch_library
from engine.tensors.reading import read_tensors
from engine.tensors.scaling import mean, scaled, torch_dtype

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
    """Return True for a stored tensor of a source without changes, which the opened source has in memory."""
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


def load(
    plan: Path | str | Stack, *, patches: Sequence[Path | str] = (), dtype: str = "auto", device: str = "cpu"
) -> Any:
    """Return the model that merging `plan` would produce, as an ordinary transformers model in eval mode.

    `plan` is the path of a plan, its text (any string with a line break), or a compiled stack. `patches` are
    safetensors files whose tensors replace those of the model; the last one wins; a stack has its own. `dtype` and
    `device` are as in `open_model`; "auto" is the dtype in which the merged checkpoint would be opened.

    >>> model = load("plan.yml")
    >>> model.config.num_hidden_layers
    8
    >>> tokens = model.generate(torch.tensor([[1, 2, 3]]), max_new_tokens=5, do_sample=False)
    >>> tokens.shape
    torch.Size([1, 8])

    Raises PlanError for a plan that cannot be run, and the errors of `open_model`.
    """
    stack = plan if isinstance(plan, Stack) else _compiled(plan, patches)
    return virtual_model(stack, open_sources(stack, dtype, device))


def open_sources(stack: Stack, dtype: str = "auto", device: str = "cpu") -> dict[Checkpoint, Any]:
    """Return the model of every checkpoint of `stack`, all in one dtype. Raises like `open_model`.

    "auto" is the dtype in which the merged checkpoint would be opened.
    """
    for checkpoint in stack.checkpoints:
        require_local(checkpoint)
    source_dtype = merged_dtype(stack) if dtype == "auto" else dtype
    return {checkpoint: open_model(checkpoint.directory, source_dtype, device) for checkpoint in stack.checkpoints}


def virtual_model(stack: Stack, sources: Mapping[Checkpoint, Any]) -> Any:
    """Return the model of `stack` in eval mode. sources: opened model of each of its checkpoints, all in one dtype.

    Unchanged weights share the memory of the sources, with a separate parameter object per visit; scaled weights are
    copies. Training or editing the model in place therefore changes its sources. If the sources are spread over
    devices, each visit is on the device of its layer. Raises CheckpointError if transformers cannot build the model,
    MachineError if the memory does not suffice for scaled weights.
    """
    donor = sources[stack.config_donor]
    model = skeleton(stack, donor.dtype)
    _share_layers(model, stack, sources)
    _share_ends(model, stack, sources)
    _require_weights(model)
    model.generation_config = copy.deepcopy(donor.generation_config)
    return _brought_to(sources, model, stack).eval()


def _compiled(plan: Path | str, patches: Sequence[Path | str]) -> Stack:
    return check_plan(plan_text(plan), opener(), CheckContext(patches=open_patches(patches))).require_stack()


def _share_layers(model: Any, stack: Stack, sources: Mapping[Checkpoint, Any]) -> None:
    layers = layer_modules(model, len(stack.visits))
    layers_of = {
        checkpoint: layer_modules(sources[checkpoint], checkpoint.layer_count)
        for checkpoint in {part.checkpoint for visit in stack.visits for part in visit.parts}
    }
    for layer, visit in zip(layers, stack.visits, strict=True):
        theirs = {
            name: tensor
            for part in visit.parts
            for name, tensor in layers_of[part.checkpoint][part.layer].state_dict().items()
            if part.gives(name)
        }
        _share(layer, {name: (mine, theirs.get(name)) for name, mine in layer.state_dict().items()})


def _brought_to(sources: Mapping[Checkpoint, Any], model: Any, stack: Stack) -> Any:
    """Move the model's own weights to the devices of the weights that it shares with its sources."""
    donor = sources[stack.config_donor]
    with room_for(model, devices_of(donor)):
        if not is_spread(donor):
            return model.to(donor.device)
        places = [device_of(decoder_layers(sources[visit.checkpoint])[visit.layer]) for visit in stack.visits]
        return dispatch_layers(model, places, donor.device, last_device(donor))


def _share_ends(model: Any, stack: Stack, sources: Mapping[Checkpoint, Any]) -> None:
    """Share embeddings, final norm, head and other tensors with the checkpoints that the merge takes them from."""
    givers = {
        End.EMBEDDING: stack.embedding.checkpoint,
        End.HEAD: stack.head.checkpoint,
        End.CARRIED: stack.config_donor,
    }
    tensors = model.state_dict()
    anatomy = dissect(tensors, len(stack.visits))
    states = {end: _by_name_under(anatomy.parent, sources[giver], giver.layer_count) for end, giver in givers.items()}
    _share(model, {name: (tensors[name], states[end].get(name)) for name, end in anatomy.ends.items()})


def _by_name_under(parent: str, giver: Any, layer_count: int) -> dict[str, Any]:
    """Return the tensors of `giver`, renamed for a model whose decoder is called `parent`."""
    tensors = giver.state_dict()
    own = dissect(tensors, layer_count).parent
    return {renamed(name, own, parent): tensor for name, tensor in tensors.items()}


def _share(module: Any, pairs: Mapping[str, tuple[Any, Any]]) -> None:
    """Assign the source's tensor to `module` wherever its own has no weights or equal ones."""
    shared = {name: theirs for name, (mine, theirs) in pairs.items() if theirs is not None and _is_same(mine, theirs)}
    parameters = {_place(theirs): _parameter(theirs) for theirs in shared.values()}
    own = dict(module.named_parameters(remove_duplicate=False))
    state = {name: parameters[_place(theirs)] if name in own else theirs for name, theirs in shared.items()}
    module.load_state_dict(state, strict=False, assign=True)


def _is_same(mine: Any, theirs: Any) -> bool:
    if mine.shape != theirs.shape:
        return False
    if mine.is_meta:
        return True
    return mine.dtype == theirs.dtype and bool(torch_library().equal(mine.to(theirs.device), theirs))


def _place(tensor: Any) -> tuple[int, Any]:
    """Return the memory location of a tensor; tied weights share one, and get one parameter."""
    return tensor.data_ptr(), tensor.shape


def _parameter(tensor: Any) -> Any:
    return torch_library().nn.Parameter(tensor, requires_grad=tensor.is_floating_point())


def _require_weights(model: Any) -> None:
    for name, tensor in _tensors(model):
        if tensor.is_meta:
            raise CheckpointError(f"{shown(name)} of the plan's model is in none of its sources")


def _tensors(model: Any) -> Iterator[tuple[str, Any]]:
    yield from model.named_parameters()
    yield from model.named_buffers()
