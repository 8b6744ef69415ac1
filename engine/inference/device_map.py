"""Placement of a model on several devices: each layer is on one of them, and its inputs are moved there.

Works for every family: each module computes on the device of its weights, so the residual stream moves between devices
with the layers, in any order of visits. The logits are moved back to the first device, which is `model.device`, so
callers need not know that the model is spread.

The modules' `forward` is replaced instead of hooked, so that stubs (engine.inference.replay), which replace it too, see
the stream as the layers pass it on.
"""

from collections.abc import Sequence
from functools import wraps
from itertools import accumulate
from typing import Any

from engine.checkpoint.anatomy import End, dissect
from engine.inference.decoder_layers import decoder_layers
from engine.inference.devices import room_for
from engine.tensors.library import torch_library


def placed(model: Any, devices: Sequence[str]) -> Any:
    """Move `model` to its device, or spread it over several. Raises MachineError if they have too little memory."""
    with room_for(model, devices):
        if len(devices) == 1:
            return model.to(devices[0])
        return spread(model, devices)


def spread(model: Any, devices: Sequence[str]) -> Any:
    """Spread the layers of `model` over `devices` in order, with about the same number of bytes on each.

    Embeddings are on the first, final norm and head on the last; a tied head stays with the embeddings.
    """
    layers, after = decoder_layers(model), _after_layers(model)
    before = [module for module in _outside_layers(model) if module not in after]
    sizes = [sum(map(_own_bytes, before)), *map(_bytes, layers), sum(map(_own_bytes, after))]
    shares = equal_shares(sizes, len(devices))[1:-1]
    return dispatch_layers(model, [devices[share] for share in shares], devices[0], devices[-1])


def equal_shares(sizes: Sequence[int], count: int) -> list[int]:
    """Return for each of consecutive `sizes` the index of the part, of `count` equal parts, that has its midpoint."""
    ends = list(accumulate(sizes))
    return [int((end - size / 2) * count / ends[-1]) for end, size in zip(ends, sizes, strict=True)]


def dispatch_layers(model: Any, devices: Sequence[Any], first: Any, last: Any) -> Any:
    """Move each layer to its device of `devices`, the modules after them to `last`, all others to `first`."""
    after = _after_layers(model)
    for layer, device in zip(decoder_layers(model), devices, strict=True):
        for part in layer.modules():
            _put(part, device)
        _move_inputs(layer, device)
    for module in _outside_layers(model):
        device = last if module in after else first
        _put(module, device)
        _move_inputs(module, device)
    model.register_forward_hook(_return_logits)
    return model


def is_spread(model: Any) -> bool:
    """Return True if `dispatch_layers` was applied to the model."""
    return "forward" in vars(decoder_layers(model)[0])


def devices_of(model: Any) -> list[str]:
    """Return the devices of the model's weights, in order."""
    return list(dict.fromkeys(str(parameter.device) for parameter in model.parameters()))


def device_of(module: Any) -> Any:
    """Return the device of a module's weights."""
    return next(module.parameters()).device


def last_device(model: Any) -> Any:
    """Return the device of the modules after the layers, or of the last layer without such modules."""
    return device_of((_after_layers(model) or decoder_layers(model))[-1])


def _after_layers(model: Any) -> list[Any]:
    """Return final norm and head, without a head that is tied to the embeddings."""
    ends = dissect(model.state_dict(), len(decoder_layers(model))).ends
    names = dict.fromkeys(name.rpartition(".")[0] for name, end in ends.items() if end is End.HEAD)
    embeddings = model.get_input_embeddings().weight
    modules = map(model.get_submodule, names)
    return [module for module in modules if all(weight is not embeddings for weight in module.parameters())]


def _outside_layers(model: Any) -> list[Any]:
    """Return the modules outside the layers that own tensors."""
    inside = {part for layer in decoder_layers(model) for part in layer.modules()}
    return [module for module in model.modules() if module not in inside and _own_bytes(module)]


def _bytes(module: Any) -> int:
    return sum(map(_own_bytes, module.modules()))


def _own_bytes(module: Any) -> int:
    tensors = [*module.parameters(recurse=False), *module.buffers(recurse=False)]
    return sum(tensor.nbytes for tensor in tensors)


def _put(module: Any, device: Any) -> None:
    """Move the module's own tensors, not those of its submodules."""
    for parameter in module.parameters(recurse=False):
        parameter.data = parameter.data.to(device)
    for name, buffer in module.named_buffers(recurse=False):
        setattr(module, name, buffer.to(device))


def _move_inputs(module: Any, device: Any) -> None:
    own = module.forward

    @wraps(own)
    def forward(*positional: Any, **keywords: Any) -> Any:
        return own(*_moved(positional, device), **_moved(keywords, device))

    module.forward = forward


def _moved(value: Any, device: Any) -> Any:
    """Move the tensors in `given` to `device`, except in caches, which keep each layer's part on its device."""
    if isinstance(value, torch_library().Tensor):
        return value.to(device)
    if type(value) in (tuple, list):
        return type(value)(_moved(each, device) for each in value)
    if type(value) is dict:
        return {name: _moved(each, device) for name, each in value.items()}
    return value


def _return_logits(model: Any, _inputs: Any, output: Any) -> Any:
    output.logits = output.logits.to(model.device)
    return output
