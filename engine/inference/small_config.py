"""Reduced config.json of the same family, for a small model.

Keys that determine a layer's arithmetic (types, switches, multipliers) are kept; widths, number of experts and
vocabulary are reduced.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

_VOCABULARY = 128
_INNER, _EXPERTS, _CHOSEN = 64, 8, 2

_INNER_WIDTH = re.compile(r"intermediate_size|ffn_dim|ffn_hidden_size|^n_inner$|^d_ff$")
_EXPERT_COUNT = re.compile(r"(^|_)(n|num|zero)_.*experts?(_num)?$|experts_num|^zero_expert_num$|^num_experts$")
_EXPERTS_CHOSEN = re.compile(r"experts?_per_tok|^(moe_)?top_?k(_experts)?$|^moe_k$")
_GROUPS = ("n_group", "topk_group")
_TOKEN = re.compile(r"token_(id|index)s?$")
_VOCABULARY_KEY = re.compile(r"vocab_size")
_TOWER = re.compile(r"vision|audio|speech|image|encoder|qformer")
_WIDTHS = ("hidden_size", "n_embd", "d_model", "embed_dim")
_HEADS = ("num_attention_heads", "n_head", "num_heads", "attention_heads", "encoder_attention_heads")
_KEY_VALUE_HEADS, _FEW_HEADS = "num_key_value_heads", 2
_ALIGNED = 16
"""Divisor of widths that kernels for experts require."""
_TOWER_DEPTH = ("depth", "num_hidden_layers", "num_layers", "encoder_layers")


def small_configs(data: Mapping[str, Any], tower: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """Yield candidates, smallest first, since not every class accepts every one. tower: path to the decoder's keys."""
    shrunk = _everywhere(dict(data), _shrunk)
    yield _narrow_towers(_with_decoder(shrunk, tower, _narrow))
    yield _with_decoder(shrunk, tower, _narrow)
    yield shrunk
    yield dict(data)


def _with_decoder(
    data: dict[str, Any], tower: tuple[str, ...], change: Callable[[dict[str, Any]], dict[str, Any]]
) -> dict[str, Any]:
    if not tower:
        return change(data)
    return {**data, tower[0]: _with_decoder(data[tower[0]], tower[1:], change)}


def _everywhere(data: dict[str, Any], change: Callable[[str, Any], Any], within: str = "") -> dict[str, Any]:
    changed: dict[str, Any] = {}
    for key, value in data.items():
        if isinstance(value, dict):
            changed[key] = _everywhere(value, change, within or ("tower" if _TOWER.search(key) else ""))
        else:
            changed[key] = 1 if within and key in _TOWER_DEPTH and isinstance(value, int) else change(key, value)
    return changed


def _shrunk(key: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_shrunk(key, each) for each in value] if _TOKEN.search(key) or _INNER_WIDTH.search(key) else value
    if type(value) is not int:
        return value
    for pattern, most in ((_VOCABULARY_KEY, _VOCABULARY), (_INNER_WIDTH, _INNER), (_EXPERTS_CHOSEN, _CHOSEN)):
        if pattern.search(key):
            return min(value, most)
    if _EXPERT_COUNT.search(key):
        return min(value, _EXPERTS)
    if key in _GROUPS:
        return 1
    return value % _VOCABULARY if _TOKEN.search(key) else value


def _narrow_towers(data: dict[str, Any]) -> dict[str, Any]:
    """Narrow all towers other than the decoder, which are built but never run."""
    return {
        key: _narrow(_narrow_towers(value)) if isinstance(value, dict) and _TOWER.search(key) else value
        for key, value in data.items()
    }


def _narrow(decoder: dict[str, Any]) -> dict[str, Any]:
    """Reduce to two heads of the same width, and adapt the hidden size."""
    width_key, heads_key = _first_int(decoder, _WIDTHS), _first_int(decoder, _HEADS)
    if width_key is None or heads_key is None or decoder[heads_key] <= _FEW_HEADS:
        return decoder
    heads, kept = decoder[heads_key], decoder.get(_KEY_VALUE_HEADS)
    head_width = -(-decoder[width_key] // heads // _ALIGNED) * _ALIGNED
    narrow = {**decoder, heads_key: _FEW_HEADS, width_key: _FEW_HEADS * head_width}
    if type(kept) is int:
        narrow[_KEY_VALUE_HEADS] = _FEW_HEADS if kept == heads else 1
    return narrow


def _first_int(data: Mapping[str, Any], keys: tuple[str, ...]) -> str | None:
    return next((key for key in keys if type(data.get(key)) is int), None)
