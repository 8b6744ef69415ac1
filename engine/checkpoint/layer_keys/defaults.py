"""The per-layer lists that a family makes up when its config.json has none.

Source: `__post_init__` of the configuration classes in transformers 5. A test compares every entry with them; families
that make all layers alike are left out on purpose.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Pattern: TypeAlias = Callable[[Mapping[str, Any], int], list[Any]]
"""A function of a decoder's keys and its layer count that returns one value per layer."""

_FULL, _SLIDING, _LINEAR = "full_attention", "sliding_attention", "linear_attention"


def derived(key: str, model_type: str, decoder: Mapping[str, Any], layer_count: int) -> list[Any] | None:
    """The list that `model_type` makes up for `key`; None when it makes up none that we know of."""
    pattern = _PATTERNS.get(key, {}).get(model_type)
    if pattern is None:
        return None
    try:
        return pattern(decoder, layer_count)
    except (TypeError, ZeroDivisionError, IndexError):
        return None


def makes_up(key: str, model_type: str) -> bool:
    """Return True if the family's class has a list under this key, whatever config.json says."""
    return model_type in _PATTERNS.get(key, {})


def _every(period: int, key: str = "", *, on: Any = _FULL, off: Any = _SLIDING) -> Pattern:
    """`on` at the last of every `period` layers; the period is config.json's `key` where it has one."""

    def pattern(decoder: Mapping[str, Any], layer_count: int) -> list[Any]:
        step = decoder.get(key, period)
        return [off if (layer + 1) % step else on for layer in range(layer_count)]

    return pattern


def _every_first(period: int, key: str = "") -> Pattern:
    """Full attention at the first of every `period` layers."""

    def pattern(decoder: Mapping[str, Any], layer_count: int) -> list[Any]:
        step = decoder.get(key, period)
        return [_SLIDING if layer % step else _FULL for layer in range(layer_count)]

    return pattern


def _closed_by_full(inner: Pattern) -> Pattern:
    """`inner`, with full attention forced at the last layer."""

    def pattern(decoder: Mapping[str, Any], layer_count: int) -> list[Any]:
        return [*inner(decoder, layer_count)[:-1], _FULL]

    return pattern


def _dense_first(count: int, key: str = "") -> Pattern:
    """`count` dense layers, then sparse ones."""

    def pattern(decoder: Mapping[str, Any], layer_count: int) -> list[Any]:
        first = decoder.get(key, count)
        return ["dense" if layer < first else "sparse" for layer in range(layer_count)]

    return pattern


def _dense_first_with_frequency(decoder: Mapping[str, Any], layer_count: int) -> list[Any]:
    first, step = decoder.get("first_k_dense_replace", 1), decoder.get("moe_layer_freq", 1)
    return ["sparse" if layer >= first and layer % step == 0 else "dense" for layer in range(layer_count)]


def _windowed_above(max_window_layers: int, *, switch: bool = True) -> Pattern:
    """Qwen: sliding attention from layer `max_window_layers` on, where `use_sliding_window` says so."""

    def pattern(decoder: Mapping[str, Any], layer_count: int) -> list[Any]:
        is_windowed = decoder.get("sliding_window", 4096) is not None
        if switch:
            is_windowed = is_windowed and bool(decoder.get("use_sliding_window", False))
        first = decoder.get("max_window_layers", max_window_layers)
        return [_SLIDING if is_windowed and layer >= first else _FULL for layer in range(layer_count)]

    return pattern


def _qwen2_moe(decoder: Mapping[str, Any], layer_count: int) -> list[Any]:
    end = decoder.get("max_window_layers", 28) if decoder.get("use_sliding_window", False) else 0
    return [_SLIDING if layer % 2 == 0 and layer < end else _FULL for layer in range(layer_count)]


def _smollm3(decoder: Mapping[str, Any], layer_count: int) -> list[Any]:
    slides = decoder.get("use_sliding_window", False) and decoder.get("sliding_window") is not None
    has_rope = _no_rope_layers(decoder, layer_count)
    return [_SLIDING if slides and not has_rope[layer] else _FULL for layer in range(layer_count)]


def _llama4(decoder: Mapping[str, Any], layer_count: int) -> list[Any]:
    return ["chunked_attention" if has_rope else _FULL for has_rope in _no_rope_layers(decoder, layer_count)]


def _no_rope_layers(decoder: Mapping[str, Any], layer_count: int) -> list[Any]:
    return decoder.get("no_rope_layers") or _NO_ROPE(decoder, layer_count)


def _exaone4(decoder: Mapping[str, Any], layer_count: int) -> list[Any]:
    period = 0 if decoder.get("sliding_window", 4096) is None else decoder.get("sliding_window_pattern", 4)
    return [_SLIDING if (layer + 1) % period else _FULL for layer in range(layer_count)]


def _cohere2_moe(decoder: Mapping[str, Any], layer_count: int) -> list[Any]:
    dense = decoder.get("first_k_dense_replace", 0)
    prefix = _every(decoder.get("prefix_dense_sliding_window_pattern", 1))(decoder, dense)
    return prefix + _every(4, "sliding_window_pattern")(decoder, layer_count - dense)


def _lfm2(decoder: Mapping[str, Any], layer_count: int) -> list[Any]:
    full = decoder.get("full_attn_idxs")
    return [_FULL if full is None or layer in full else "conv" for layer in range(layer_count)]


def _lfm3(_: Mapping[str, Any], layer_count: int) -> list[Any]:
    kinds = (_SLIDING, "conv", _FULL, "conv")
    return ["conv", *(kinds[layer % 4] for layer in range(1, layer_count))]


def _kimi_linear(decoder: Mapping[str, Any], layer_count: int) -> list[Any]:
    listed = decoder.get("linear_attn_config") or {}
    if "full_attn_layers" in listed and "kda_layers" in listed:
        return [_FULL if layer + 1 in listed["full_attn_layers"] else _LINEAR for layer in range(layer_count)]
    return [_FULL if layer and layer % 4 == 0 else _LINEAR for layer in range(layer_count)]


def _lara_mini(_: Mapping[str, Any], layer_count: int) -> list[Any]:
    kinds = (_LINEAR, _SLIDING, _LINEAR, _FULL, _SLIDING)
    return [kinds[layer % 5] for layer in range(layer_count)]


def _mimo_v2(_: Mapping[str, Any], layer_count: int) -> list[Any]:
    return [_FULL if layer == 0 or (layer + 1) % 6 == 0 else _SLIDING for layer in range(layer_count)]


def _flint(_: Mapping[str, Any], layer_count: int) -> list[Any]:
    full = (0, 1, layer_count - 1)
    return [_FULL if layer in full or layer % 4 == 1 else _SLIDING for layer in range(layer_count)]


def _counted_from_the_end(_: Mapping[str, Any], layer_count: int) -> list[Any]:
    return [_FULL if (layer_count - 1 - layer) % 4 == 0 else _SLIDING for layer in range(layer_count)]


def _inkling(decoder: Mapping[str, Any], layer_count: int) -> list[Any]:
    listed = decoder.get("local_layer_ids")
    local = [layer for layer in range(layer_count) if (layer + 1) % 6] if listed is None else listed
    return ["hybrid_sliding" if layer in local else "hybrid" for layer in range(layer_count)]


def _zamba(decoder: Mapping[str, Any], layer_count: int) -> list[Any]:
    period, offset = decoder.get("attn_layer_period", 6), decoder.get("attn_layer_offset", 4)
    rest = ["hybrid" if layer % period == offset else _LINEAR for layer in range(layer_count - 3)]
    return [_LINEAR, _LINEAR, "hybrid", *rest]


_NO_ROPE = _every(4, "no_rope_layer_interval", on=0, off=1)
_QWEN = _windowed_above(28)
_QWEN_VL = _windowed_above(80)
_HYBRID = _every(4, "full_attention_interval", off=_LINEAR)
_GEMMA4 = _closed_by_full(_every(6))

_PATTERNS: dict[str, dict[str, Pattern]] = {
    "no_rope_layers": {"smollm3": _NO_ROPE, "llama4_text": _NO_ROPE, "mistral_large4_text": _NO_ROPE},
    "layer_types": {
        "afmoe": _every(4, "global_attn_every_n_layers"),
        "bailing_hybrid": _every(6, "layer_group_size", off=_LINEAR),
        "beam": _GEMMA4,
        "cohere2": _every(4, "sliding_window_pattern"),
        "cohere2_moe": _cohere2_moe,
        "cwm": _every_first(4),
        "diffusion_gemma_text": _GEMMA4,
        "dots1": _windowed_above(62, switch=False),
        "exaone4": _exaone4,
        "exaone_moe": _exaone4,
        "flint": _flint,
        "gemma2": _every(2),
        "gemma3_text": _every(6, "sliding_window_pattern"),
        "gemma3n_text": _every(5),
        "gemma4_text": _GEMMA4,
        "gemma4_unified_text": _GEMMA4,
        "glm5_next_text": _every(4, on="indexed_attention", off=_LINEAR),
        "gpt_oss": _every(2),
        "granite_swa": _every_first(4),
        "granitemoe_swa": _every_first(4),
        "inkling_text": _inkling,
        "inkling2_text": _every(6, on="hybrid", off="hybrid_sliding"),
        "kimi_linear": _kimi_linear,
        "kolibri1": _every(5),
        "lara_mini": _lara_mini,
        "lfm2": _lfm2,
        "lfm3": _lfm3,
        "llama4_text": _llama4,
        "mimo_v2_flash": _mimo_v2,
        "minimax": _every(2, on=_LINEAR, off=_FULL),
        "modernbert-decoder": _every_first(3, "global_attn_every_n_layers"),
        "muse_glimmer_text": _counted_from_the_end,
        "muse_spark_text": _counted_from_the_end,
        "neomme": _GEMMA4,
        "olmo3": _every(4),
        "olmo_hybrid": _every(4, off=_LINEAR),
        "qwen2": _QWEN,
        "qwen2_5_omni_text": _QWEN,
        "qwen2_5_vl_text": _QWEN_VL,
        "qwen2_moe": _qwen2_moe,
        "qwen2_vl_text": _QWEN_VL,
        "qwen3": _QWEN,
        "qwen3_5_moe_text": _HYBRID,
        "qwen3_5_text": _HYBRID,
        "qwen3_next": _HYBRID,
        "qwen4_exp_text": _every(4, "full_attention_interval", on="indexed_attention", off=_LINEAR),
        "smollm3": _smollm3,
        "vaultgemma": _every(2),
    },
    "layers_block_type": {"zamba": _zamba},
    "mlp_layer_types": {
        "axk1": _dense_first_with_frequency,
        "axk2": _dense_first_with_frequency,
        "bailing_hybrid": _dense_first(2, "first_k_dense_replace"),
        "beam": _dense_first(3),
        "cohere2_moe": _dense_first(0, "first_k_dense_replace"),
        "deepseek_v32": _dense_first(3, "first_k_dense_replace"),
        "ernie4_5_vl_moe_text": _dense_first(1),
        "exaone_moe": _dense_first(1, "first_k_dense_replace"),
        "glm4_moe_lite": _dense_first(1),
        "glm5_next_text": _dense_first(3),
        "glm_moe_dsa": _dense_first(3, "first_k_dense_replace"),
        "hy_v3": _dense_first(1),
        "hy_v4": _dense_first(1),
        "hy_v4_vl_text": _dense_first(1),
        "inkling_text": _dense_first(0, "dense_mlp_idx"),
        "kimi_linear": _dense_first(1, "first_k_dense_replace"),
        "laguna": _dense_first(1),
        "mimo_v2_flash": _dense_first(1),
        "mistral_large4_text": _dense_first(1, "first_k_dense_replace"),
        "unlimited_ocr_text": _dense_first(1, "first_k_dense_replace"),
    },
}
DERIVED_KEYS = tuple(_PATTERNS)
"""Keys of lists that some family makes up; the first one feeds the second."""
