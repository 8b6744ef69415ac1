"""Settings that number layers otherwise than by the names of modules, so that no entry can follow its layer."""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from engine.checkpoint.anatomy import is_of_other_tower

_IN_TEXT = re.compile(r"(?:^|[^a-z])(?:layers?|blk)(?:[_/ -]\d|\[\d+\]|\.\d+-\d)", re.IGNORECASE)
"""As in "layers_5", "layers/5", "layers[5]", "layers.0-3"."""
_ONE_LAYER = re.compile(r"layers?(?:_?(?:ids?|idxs?|index|num|number))?")
_LABELS = ("id2label", "label2id")
_RANGE = re.compile(r"(?:(?:layers?|blocks?)[._ -]?)?(\d+)(?:\s*(?:-|:|\.\.|_|,|to)\s*(\d+))?", re.IGNORECASE)


def is_numbered_otherwise(data: Any, depth: int, known: Sequence[str] = (), text: str | None = None) -> bool:
    """Whether `data` numbers some of `depth` layers in a way of its own.

    known: keys whose lists with one entry a layer are understood; text: `data` as it is spelled.
    """
    spelled = json.dumps(data) if text is None else text
    return _IN_TEXT.search(spelled) is not None or _is_layer_wise(data, depth, known)


def are_layer_ranges(keys: Iterable[str], depth: int, name: str) -> bool:
    """Whether the keys of the mapping `name` are ranges of layers, such as "0-2", perhaps with single ones among them.

    Where the name does not say so, they have to begin at the first layer and to end at the last.
    """
    matches = [_RANGE.fullmatch(key) for key in keys]
    if not all(matches) or not any(match[2] for match in matches if match):
        return False
    numbers = [int(number) for match in matches if match for number in match.groups() if number]
    is_whole = min(numbers) in (0, 1) and max(numbers) in (depth - 1, depth)
    return max(numbers) <= depth and (is_whole or re.search("layer|block", name, re.IGNORECASE) is not None)


def _is_layer_wise(data: Any, depth: int, known: Sequence[str], key: str = "") -> bool:
    if is_of_other_tower(key):
        return False
    if isinstance(data, dict):
        is_by_range = bool(data) and are_layer_ranges(data, depth, key)
        return (
            is_by_range
            or _is_keyed_by_layer(data, depth, key)
            or any(_is_layer_wise(inner, depth, known, name) for name, inner in data.items())
        )
    if isinstance(data, list):
        is_one_each = "layer" in key and len(data) == depth and key not in known
        return (
            is_one_each
            or _lists_layers(data, depth, key)
            or any(_is_layer_wise(inner, depth, known, key) for inner in data if isinstance(inner, (dict, list)))
        )
    return type(data) is int and _ONE_LAYER.fullmatch(key) is not None and 0 <= data < depth


def _is_keyed_by_layer(data: dict[str, Any], depth: int, key: str) -> bool:
    numbers = [name for name in data if name.isdecimal()]
    if key in _LABELS or not numbers:
        return False
    return "layer" in key or sorted(map(int, numbers)) == list(range(depth))


def _lists_layers(data: list[Any], depth: int, key: str) -> bool:
    """Whether these are numbers of layers: they rise, and the key says so."""
    if "layer" not in key or not data or any(type(number) is not int for number in data):
        return False
    return data == sorted(set(data)) and data[0] >= 0 and data[-1] <= depth
