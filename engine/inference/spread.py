"""Spreads a model over several devices: a layer lies on one of them, and what it is called with is brought there.

No family is known here. Each module computes where its own weights lie, so the residual stream goes from device to
device with the layers, in whatever order they are visited. The logits come back to the first device, which is the one
that the model calls its own (`model.device`): who runs the model need not know that it is spread.

The modules' `forward` is replaced, not hooked: who replaces it in turn (engine.inference.skeleton) sees the stream as
the layers hand it on.
"""

from collections.abc import Sequence
from functools import wraps
from itertools import accumulate
from typing import Any

from engine.checkpoint.anatomy import End, dissect
from engine.inference.devices import room_for
from engine.inference.signature import decoder_layers
from engine.tensors.library import torch_library


def placed(model: Any, devices: Sequence[str]) -> Any:
    """`model` on its one device, or spread over several. Raises MachineError when they lack the memory."""
    with room_for(model, devices):
        if len(devices) == 1:
            return model.to(devices[0])
        return spread(model, devices)


def spread(model: Any, devices: Sequence[str]) -> Any:
    """`model` with its layers on `devices` in their order, about as many bytes on each.

    Embeddings lie on the first, final norm and head on the last; a tied head stays with the embeddings.
    """
    layers, behind = decoder_layers(model), _behind_layers(model)
    before = [module for module in _outside_layers(model) if module not in behind]
    sizes = [sum(map(_own_bytes, before)), *map(_bytes, layers), sum(map(_own_bytes, behind))]
    shares = equal_shares(sizes, len(devices))[1:-1]
    return lay_out(model, [devices[share] for share in shares], devices[0], devices[-1])


def equal_shares(sizes: Sequence[int], count: int) -> list[int]:
    """For each of some things in a row, in which of `count` equal parts of the whole row its middle lies."""
    ends = list(accumulate(sizes))
    return [int((end - size / 2) * count / ends[-1]) for end, size in zip(ends, sizes, strict=True)]


def lay_out(model: Any, places: Sequence[Any], first: Any, last: Any) -> Any:
    """`model` with each layer at its place, what comes behind them on `last`, everything else on `first`."""
    behind = _behind_layers(model)
    for layer, place in zip(decoder_layers(model), places, strict=True):
        for part in layer.modules():
            _put(part, place)
        _bring_inputs(layer, place)
    for module in _outside_layers(model):
        device = last if module in behind else first
        _put(module, device)
        _bring_inputs(module, device)
    model.register_forward_hook(_bring_logits_back)
    return model


def is_spread(model: Any) -> bool:
    """Whether `lay_out` has been at it."""
    return "forward" in vars(decoder_layers(model)[0])


def devices_of(model: Any) -> list[str]:
    """Those on which its weights lie, in their order."""
    return list(dict.fromkeys(str(parameter.device) for parameter in model.parameters()))


def place_of(module: Any) -> Any:
    """The device on which a module's weights lie."""
    return next(module.parameters()).device


def end_of(model: Any) -> Any:
    """The device of what comes behind the layers, or of the last layer where nothing does."""
    return place_of((_behind_layers(model) or decoder_layers(model))[-1])


def _behind_layers(model: Any) -> list[Any]:
    """Final norm and head; not a head that is tied to the embeddings, which lie before the layers."""
    ends = dissect(model.state_dict(), len(decoder_layers(model))).ends
    names = dict.fromkeys(name.rpartition(".")[0] for name, end in ends.items() if end is End.HEAD)
    embeddings = model.get_input_embeddings().weight
    modules = map(model.get_submodule, names)
    return [module for module in modules if all(weight is not embeddings for weight in module.parameters())]


def _outside_layers(model: Any) -> list[Any]:
    """The modules outside the layers that have tensors of their own."""
    inside = {part for layer in decoder_layers(model) for part in layer.modules()}
    return [module for module in model.modules() if module not in inside and _own_bytes(module)]


def _bytes(module: Any) -> int:
    return sum(map(_own_bytes, module.modules()))


def _own_bytes(module: Any) -> int:
    tensors = [*module.parameters(recurse=False), *module.buffers(recurse=False)]
    return sum(tensor.nbytes for tensor in tensors)


def _put(module: Any, device: Any) -> None:
    """Move what is the module's own, not what the modules within it have."""
    for parameter in module.parameters(recurse=False):
        parameter.data = parameter.data.to(device)
    for name, buffer in module.named_buffers(recurse=False):
        setattr(module, name, buffer.to(device))


def _bring_inputs(module: Any, device: Any) -> None:
    own = module.forward

    @wraps(own)
    def forward(*positional: Any, **keywords: Any) -> Any:
        return own(*_brought(positional, device), **_brought(keywords, device))

    module.forward = forward


def _brought(given: Any, device: Any) -> Any:
    """`given` with the tensors in it on `device`. A cache is left alone: it keeps each layer's part where that lies."""
    if isinstance(given, torch_library().Tensor):
        return given.to(device)
    if type(given) in (tuple, list):
        return type(given)(_brought(each, device) for each in given)
    if type(given) is dict:
        return {name: _brought(each, device) for name, each in given.items()}
    return given


def _bring_logits_back(model: Any, _inputs: Any, output: Any) -> Any:
    output.logits = output.logits.to(model.device)
    return output
