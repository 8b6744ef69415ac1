"""Image features that a model adds to its residual stream between decoder layers, told by the layers' numbers.

Such a model (deepstack: Qwen3-VL, Qwen3-Omni, Granite 4 Vision and others) looks the same to text wherever its layers
stand, and reads images otherwise as soon as one of its lowest layers has another number.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from engine.checkpoint.config import ModelConfig

_ONE_AFTER_EACH_LAYER = "deepstack_visual_indexes"
"""Layers of the vision tower; what the first gives is added behind decoder layer 0, and so on."""

_PAIRS = "deepstack_layer_map"
"""Layers of the vision tower, each with the decoder layer before which its features are added."""

_BEFORE_THESE = "spatial_target_layers"
"""Decoder layers before which features are added."""

_USUAL = {_ONE_AFTER_EACH_LAYER: [8, 16, 24]}
_CLASS_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "cohere_compass": _USUAL,
    "granite4_vision": {_BEFORE_THESE: [12, 15, 18, 21]},
    "granite_docling": {_ONE_AFTER_EACH_LAYER: [3, 7, 10]},
    "qwen3_omni_moe": _USUAL,
    "qwen3_omni_moe_thinker": _USUAL,
    "qwen3_vl": _USUAL,
    "qwen3_vl_moe": _USUAL,
    "qwen3_vl_vision": _USUAL,
}
"""What classes of transformers take where config.json leaves the key out: models, and towers that several share."""


def layers_in_place(config: ModelConfig) -> int:
    """How many of the lowest decoder layers must keep their numbers for the features to be added where they were."""
    return max(_places(config), default=0)


def _places(config: ModelConfig) -> Iterator[int]:
    named = dict(_stated(config.data))
    yield len(_listed(named.get(_ONE_AFTER_EACH_LAYER)))
    yield from (number for number in _listed(named.get(_BEFORE_THESE)) if isinstance(number, int))
    for pair in _listed(named.get(_PAIRS)):
        if isinstance(pair, list) and len(pair) > 1 and isinstance(pair[1], int):
            yield pair[1]


def _stated(data: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The keys in question with their values, at whatever depth of the config, defaults before what overrides them."""
    yield from _CLASS_DEFAULTS.get(str(data.get("model_type")), {}).items()
    for key, value in data.items():
        if key in (_ONE_AFTER_EACH_LAYER, _PAIRS, _BEFORE_THESE) and value is not None:
            yield key, value
        elif isinstance(value, Mapping):
            yield from _stated(value)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
