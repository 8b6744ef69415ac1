"""A config.json of the same family with few and narrow layers: a model of it is made in a moment.

What shapes a layer's arithmetic (its kinds, switches, multipliers) stays; widths, experts and the vocabulary shrink.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from math import gcd
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
_TOWER_DEPTH = ("depth", "num_hidden_layers", "num_layers", "encoder_layers")


def small_configs(data: Mapping[str, Any], tower: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """Candidates, the smallest first: not every class takes every combination. `tower` leads to the decoder's keys."""
    shrunk = _everywhere(dict(data), _shrunk)
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
    found: dict[str, Any] = {}
    for key, value in data.items():
        if isinstance(value, dict):
            found[key] = _everywhere(value, change, within or ("tower" if _TOWER.search(key) else ""))
        else:
            found[key] = 1 if within and key in _TOWER_DEPTH and isinstance(value, int) else change(key, value)
    return found


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


def _narrow(decoder: dict[str, Any]) -> dict[str, Any]:
    """With as few heads as keep the ratio of query heads to key-value heads, and a stream as wide as these need."""
    width, heads = decoder.get("hidden_size"), decoder.get("num_attention_heads")
    if type(width) is not int or type(heads) is not int or heads < 1:
        return decoder
    kept = decoder.get("num_key_value_heads")
    groups = gcd(heads, kept) if type(kept) is int and kept > 0 else heads
    factor = groups // 2 if groups % 2 == 0 else groups
    narrow = {**decoder, "num_attention_heads": heads // factor, "hidden_size": max(2, width // factor)}
    if type(kept) is int:
        narrow["num_key_value_heads"] = kept // factor
    return narrow
