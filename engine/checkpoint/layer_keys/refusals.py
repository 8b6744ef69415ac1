"""Layers that depend on their place or on other layers, so that no config describes them in another sequence."""

from collections.abc import Iterator, Mapping
from typing import Any

from engine.checkpoint.config import ModelConfig
from engine.checkpoint.layer_keys.draft import Described, Visits, layer_paths, refused
from engine.checkpoint.layer_names import are_layer_ranges
from engine.errors import shown

DEPTH_DEPENDENT: Mapping[str, str] = {
    "scale_attn_by_inverse_layer_idx": "attention is divided by the layer's number, so a moved layer computes"
    " something else",
    "scale_depth": "every residual is scaled by the square root of the layer count",
    "rescale_every": "hidden states are halved every N layers",
}
"""Keys that tie a layer's arithmetic to its depth, when they are true or not 0."""

FAMILIES: Mapping[str, str] = {
    "diffllama": "the weight of its second attention map depends on the layer's number",
    "minimax": "the decay of its linear attention depends on the layer's number",
    "beam": "its residuals run over blocks of layers",
    "evolla": "which of its layers have an adapter follows from their numbers",
    "idefics": "the blocks of cross-attention between its layers are counted separately",
    "dory": "it runs some layers several times, selected by number",
    "inkling2_loop_text": "it runs some layers several times, selected by number",
}
"""Model types whose code does so without a key in config.json."""

CROSS_LAYER: Mapping[str, str] = {
    "num_kv_shared_layers": "the last layers take keys and values from earlier ones",
    "use_cla": "layers share keys and values with their neighbours",
    "n_layers_per_attn_res_block": "residuals run over blocks of layers",
    "kv_sharing_modes": "layers share keys and values",
}
"""Keys by which a layer reads what another one computed, when they are true, not 0 and not empty."""

CLASS_DEFAULTS: Mapping[str, Mapping[str, Any]] = {"num_kv_shared_layers": {"gemma3n_text": 15}}

SHARE_INDICES = frozenset({"hy_v4", "hy_v4_vl_text"})
"""Families whose layers share token indices unless `indexer_types` says otherwise."""

LAST_IS_FULL = frozenset(
    {"gemma4_text", "gemma4_unified_text", "diffusion_gemma_text", "embedding_gemma2_text", "embedding_gemma2"}
)
"""Families that turn the last layer into full attention, whatever layer_types says."""

_FIX = "Such a model cannot be stacked; only its layers in their own order and number can be written."


def check_sources(visits: Visits) -> None:
    """Raises CheckpointError for a source whose layers cannot be moved."""
    for source in visits.sources:
        if source.model_type in FAMILIES:
            raise refused("model_type", f"{source.model_type}: {FAMILIES[source.model_type]}", _FIX)
        for key, reason in {**DEPTH_DEPENDENT, **CROSS_LAYER}.items():
            if _value(source, key):
                raise refused(key, f"{reason} ({source.name}: {shown(_value(source, key))})", _FIX)
        if _shares_indices(source):
            raise refused("indexer_types", "layers share the token index of an earlier one", _FIX)
        sources = source.decoder.get("kv_source_layers")
        if isinstance(sources, list) and sources != list(range(len(sources))):
            raise refused("kv_source_layers", "layers take keys and values from earlier ones", _FIX)


def check_ranges(donor: Described) -> None:
    """Raises CheckpointError where entries are for ranges of layers: their ends may be meant to be in them or not."""
    for path, value in layer_paths(donor.decoder):
        if isinstance(value, dict) and are_layer_ranges(value, donor.announced_count, path[-1]):
            why = f"its entries are for ranges of layers ({donor.name}: {shown(next(iter(value)))})"
            raise refused(".".join(path), why, "Write an entry for each layer, as its number.")


def check_last_layer(new: Described) -> None:
    """Raises CheckpointError where the family would change the kind of the last layer."""
    kinds = new.decoder.get("layer_types")
    if new.model_type in LAST_IS_FULL and isinstance(kinds, list) and kinds and kinds[-1] != "full_attention":
        raise refused(
            "layer_types",
            f"{new.model_type} makes the last layer full attention, but the stack ends with {shown(kinds[-1])}",
            "End the plan with a full-attention layer.",
        )


def _shares_indices(source: Described) -> bool:
    kinds = source.decoder.get("indexer_types")
    return "shared" in kinds if isinstance(kinds, list) else source.model_type in SHARE_INDICES


def _value(source: Described, key: str) -> Any:
    return source.decoder.get(key, CLASS_DEFAULTS.get(key, {}).get(source.model_type))


_ONE_AFTER_EACH_LAYER = "deepstack_visual_indexes"
"""Layers of the vision tower; the output of the first is added after decoder layer 0, and so on."""

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
"""Defaults of transformers' classes for keys that config.json omits: models, and towers that several share."""


def layers_in_place(config: ModelConfig) -> int:
    """Number of lowest decoder layers that must keep their numbers for the features to be added at the same places."""
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
