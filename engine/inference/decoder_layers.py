"""Detection of the list of decoder layers in a model of any family."""

from collections.abc import Sequence
from typing import Any

from engine.checkpoint.config import LAYER_COUNT_KEYS
from engine.errors import CheckpointError
from engine.tensors.library import torch_library

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
    """Return the name of the list of decoder layers, such as "model.layers". Raises as `decoder_layers`."""
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
