"""Runs a plan without writing it: an ordinary transformers model whose weights are those of the plan's sources.

The model is built from the very config that a merge would write. transformers loads into it the tensors that a merge
would change, made by the same arithmetic; everything else is the memory of the source models, not a copy. So it
computes exactly what the merged checkpoint computes, caches and all.
"""

import copy
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.checkpoint.anatomy import End, dissect
from engine.checkpoint.checkpoint import Checkpoint, require_local
from engine.checkpoint.find import opener
from engine.checkpoint.roles import role_of
from engine.errors import CheckpointError, PlanError, shown
from engine.inference.load_model import open_model
from engine.inference.memory import room_for
from engine.inference.signature import decoder_layers, layer_modules
from engine.inference.skeleton import merged_dtype, skeleton
from engine.inference.spread import devices_of, end_of, is_spread, lay_out, place_of
from engine.plan.check import check_plan
from engine.plan.outputs import renamed
from engine.plan.patches import open_patches
from engine.plan.plan_file import plan_text_of
from engine.plan.problems import Severity
from engine.plan.rules import Circumstances
from engine.plan.stack import Stack
from engine.tensors.library import torch_library


def load(
    plan: Path | str | Stack, *, patches: Sequence[Path | str] = (), dtype: str = "auto", device: str = "cpu"
) -> Any:
    """The model that merging `plan` would give, as an ordinary transformers model in eval mode, without the merge.

    `plan` is the path of a plan, its text (told by a line break in it), or a compiled stack. `patches` are safetensors
    files whose tensors replace those of the model, as in a merge; the last one wins; a stack has its own. `dtype` and
    `device` are as in `open_model`; "auto" is what the merged checkpoint would open in.

    >>> model = load("plan.yml")
    >>> model.config.num_hidden_layers
    8
    >>> tokens = model.generate(torch.tensor([[1, 2, 3]]), max_new_tokens=5, do_sample=False)
    >>> tokens.shape
    torch.Size([1, 8])

    Raises PlanError for a plan that cannot be run, and whatever opening its checkpoints raises.
    """
    stack = plan if isinstance(plan, Stack) else _compiled(plan, patches)
    return virtual_model(stack, open_sources(stack, dtype, device))


def open_sources(stack: Stack, dtype: str = "auto", device: str = "cpu") -> dict[Checkpoint, Any]:
    """The model of every checkpoint that takes part, all in one dtype. Raises like `open_model`.

    "auto" is what the merged checkpoint would open in.
    """
    for checkpoint in stack.checkpoints:
        require_local(checkpoint)
    wanted = merged_dtype(stack) if dtype == "auto" else dtype
    return {checkpoint: open_model(checkpoint.directory, wanted, device) for checkpoint in stack.checkpoints}


def virtual_model(stack: Stack, sources: Mapping[Checkpoint, Any]) -> Any:
    """The model of `stack` in eval mode; `sources` has the opened model of each of its checkpoints, in one dtype.

    Weights that the plan leaves alone are the memory of the sources, in as many places as the plan visits them, each
    place with a parameter object of its own; scaled ones are copies of just those. Training or editing the model in
    place therefore changes its sources. Where they are spread over devices, each place lies where its layer does.
    Raises CheckpointError when transformers cannot build it, MachineError when there is no memory for what is scaled.
    """
    donor = sources[stack.config_donor]
    model = skeleton(stack, donor.dtype)
    _share_layers(model, stack, sources)
    _share_ends(model, stack, sources)
    _require_weights(model)
    model.generation_config = copy.deepcopy(donor.generation_config)
    return _brought_to(sources, model, stack).eval()


def _compiled(plan: Path | str, patches: Sequence[Path | str]) -> Stack:
    text = plan if isinstance(plan, str) and "\n" in plan else plan_text_of(Path(plan))
    checked = check_plan(text, opener(), Circumstances(patches=open_patches(patches)))
    errors = [problem for problem in checked.problems if problem.severity is Severity.ERROR]
    if errors or checked.stack is None:
        why = "; ".join(
            f"line {error.place.line}: {error.message}" if error.place else error.message for error in errors
        )
        raise PlanError("the plan cannot be run", why=why)
    return checked.stack


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
            if role_of(name) in part.roles
        }
        _share(layer, {name: (mine, theirs.get(name)) for name, mine in layer.state_dict().items()})


def _brought_to(sources: Mapping[Checkpoint, Any], model: Any, stack: Stack) -> Any:
    """`model` where its sources lie: what is its own is brought to what it shares with them."""
    donor = sources[stack.config_donor]
    with room_for(model, devices_of(donor)):
        if not is_spread(donor):
            return model.to(donor.device)
        places = [place_of(decoder_layers(sources[visit.checkpoint])[visit.layer]) for visit in stack.visits]
        return lay_out(model, places, donor.device, end_of(donor))


def _share_ends(model: Any, stack: Stack, sources: Mapping[Checkpoint, Any]) -> None:
    """Embeddings, final norm, head and the rest, each from the checkpoint that the merge takes it from."""
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
    """The tensors of `giver` as they are named where the decoder is called `parent`."""
    tensors = giver.state_dict()
    own = dissect(tensors, layer_count).parent
    return {renamed(name, own, parent): tensor for name, tensor in tensors.items()}


def _share(module: Any, pairs: Mapping[str, tuple[Any, Any]]) -> None:
    """Give `module` the source's tensor wherever its own has no weights or the same ones."""
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
    """In memory; tied weights have one, and get one parameter for it."""
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
