"""Signatures of layers: everything but the weights, to compare a stack's layers with their sources."""

from collections.abc import Iterator, Sequence
from typing import Any

from engine.checkpoint.config import LAYER_COUNT_KEYS
from engine.checkpoint.layer_keys.lists import KNOWN as PER_LAYER_KEYS
from engine.errors import CheckpointError, shown
from engine.tensors.library import torch_library

_NUMBERS_OF_LAYERS = frozenset(
    {"layer_idx", "layer_id", "layer_index", "layer_number", "layer_num", "block_idx", "idx", "training"}
)
_SCALARS = (bool, int, float, str, type(None))
_OTHER_TOWERS = ("vision", "visual", "audio", "image", "encoder", "speech", "mtp")


def layer_modules(model: Any, layer_count: int) -> Any:
    """Return the decoder's list of `layer_count` layers. Raises CheckpointError if the model has no such list."""
    return _named_layers(model, [layer_count])[1]


def decoder_layers(model: Any) -> Any:
    """Return the decoder's list of as many layers as the config states. Raises CheckpointError if it does not exist.

    If a block of two sub-layers counts as two layers (LongCat-Flash), another key of the config counts the blocks.
    """
    return _named_layers(model, _stated_counts(model))[1]


def decoder_name(model: Any) -> str:
    """Return the name of that list in the model, such as "model.layers". Raises as `decoder_layers`."""
    return _named_layers(model, _stated_counts(model))[0]


def _stated_counts(model: Any) -> list[int]:
    config = model.config.get_text_config()
    stated = (getattr(config, key, None) for key in LAYER_COUNT_KEYS)
    return list(dict.fromkeys(count for count in stated if isinstance(count, int) and count > 0))


def _named_layers(model: Any, counts: Sequence[int]) -> tuple[str, Any]:
    """Return the first of the decoder's lists with one of the lengths `counts`, in this order of preference."""
    torch = torch_library()
    lists = [
        (name, module)
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.ModuleList) and not any(word in name.lower() for word in _OTHER_TOWERS)
    ]
    match = next((named for count in counts for named in lists if len(named[1]) == count), None)
    if match is None:
        stated = " or ".join(map(str, counts)) or "a stated number of"
        raise CheckpointError(f"transformers builds no list of {stated} layers from this config")
    return match


def layer_signature(config: Any, layers: Any, layer: int) -> dict[str, Any]:
    """Return all properties of a layer except its weights, by names for messages."""
    return dict(_entries(config, layers, layer))


def described_differences(actual: dict[str, Any], expected: dict[str, Any]) -> list[str]:
    """Return the differences between two signatures as text."""
    return [
        f"{name} is {_said(actual, name)}, not {_said(expected, name)}"
        for name in dict.fromkeys([*expected, *actual])
        if _said(actual, name) != _said(expected, name)
    ]


def _entries(config: Any, layers: Any, layer: int) -> Iterator[tuple[str, Any]]:
    text_config = config.get_text_config()
    for key in PER_LAYER_KEYS:
        listed = getattr(text_config, key, None)
        if isinstance(listed, (list, tuple)) and len(listed) >= len(layers):
            yield f"config.{key}", str(listed[layer])
    module = layers[layer]
    for name, part in module.named_modules():
        yield f"{name or 'layer'} (class)", type(part).__name__
        for attribute, value in vars(part).items():
            if isinstance(value, _SCALARS) and not attribute.startswith("_") and attribute not in _NUMBERS_OF_LAYERS:
                yield f"{name}.{attribute}".lstrip("."), value
    for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
        yield f"{name} (shape)", tuple(tensor.shape)


def _said(signature: dict[str, Any], name: str) -> str:
    return shown(signature[name]) if name in signature else "absent"
