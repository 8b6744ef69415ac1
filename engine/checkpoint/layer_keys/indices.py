"""Keys that name layers by number: index lists, and mappings from a layer's number to its overrides."""

import re
from collections.abc import Mapping
from typing import Any

from engine.checkpoint.json_splice import KeyPath
from engine.checkpoint.layer_keys.draft import Described, Draft, Visits, layer_paths, silent
from engine.errors import shown

INDEX_LISTS: Mapping[KeyPath, int] = {
    ("mlp_only_layers",): 0,
    ("moe_layers",): 0,
    ("full_attn_idxs",): 0,
    ("cross_attention_layers",): 0,
    ("hybrid_layer_ids",): 0,
    ("attn_layer_indices",): 0,
    ("global_attn_layers",): 0,
    ("local_layer_ids",): 0,
    ("rope_scaling_layers",): 0,
    ("ple_layer_ids",): 1,
    ("linear_attn_config", "full_attn_layers"): 1,
    ("linear_attn_config", "kda_layers"): 1,
}
"""Lists of layer numbers, and the number of the first layer in each."""

SOLVED_ELSEWHERE = (("mlp_only_layers",), ("moe_layers",))
"""Read together with a period: see thresholds."""

OVERRIDES = (("per_layer_config",), ("pruned_heads",))

_NUMBERS = r"_?(?:ids?|idxs?|index|ind(?:ices|exes)|numbers?)"
_KINDS = "attn|attention|full|global|local|swa|sliding|window|mamba|ssm|conv|linear|recurrent|rope|kv|moe|mlp|sparse"
_NAMES_LAYERS = (
    rf"layers?(?:{_NUMBERS}|_enum)?$|(?:^|_)layers?{_NUMBERS}_|(?:^|_)layers_with(?:out)?_"
    rf"|(?:^|_)(?:{_KINDS})_(?:idxs?|ind(?:ices|exes))$"
)
_KEY_OF_LAYER = r"((?:(?:layer|block)[._ -]?)?)(0|[1-9]\d*)"
_NUMBERS_IN_TEXT = r"\s*\d+\s*(?:,\s*\d+\s*)*"
"""Step-3.5 lists its sparse layers as "3,4,5"."""
_NEITHER = frozenset({"layer_ids", "target_layer_ids"})
"""Keys of models that read the hidden states of another model."""


def remap(draft: Draft, visits: Visits) -> None:
    """Rewrite every mention of a layer's number. Raises CheckpointError when only one of several sources says it."""
    for path, first in INDEX_LISTS.items():
        if path not in SOLVED_ELSEWHERE:
            _remap_list(draft, visits, path, first)
    for path, value in layer_paths(draft.donor.decoder):
        if path not in INDEX_LISTS and names_layers(draft.donor, path, value):
            first = 1 if draft.donor.layer_count in (_listed(value) or ()) else 0
            _remap_list(draft, visits, path, first)
            draft.notes.append(f"`{shown('.'.join(path))}` lists layers, counted from {first}; it follows the layers.")
    for path in OVERRIDES:
        _remap_overrides(draft, visits, path)
    for path, value in layer_paths(draft.donor.decoder):
        if path not in OVERRIDES and _is_keyed_by_layer(draft.donor, path, value):
            _remap_overrides(draft, visits, path)
            draft.notes.append(f"`{shown('.'.join(path))}` has entries for single layers; they follow the layers.")


def names_layers(described: Described, path: KeyPath, value: Any) -> bool:
    """Return True if an unknown list is one of layer numbers: by its name, and by numbers that rise and are layers'."""
    if not re.search(_NAMES_LAYERS, path[-1]) or path[-1] in _NEITHER:
        return False
    numbers = _listed(value)
    if not numbers or any(type(number) is not int for number in numbers):
        return False
    last = numbers[-1] - (0 not in numbers)
    return numbers == sorted(set(numbers)) and numbers[0] >= 0 and last < described.announced_count


def _listed(value: Any) -> list[Any] | None:
    """The numbers of a list, or of a text such as "3,4,5"."""
    if isinstance(value, str) and re.fullmatch(_NUMBERS_IN_TEXT, value):
        return [int(number) for number in value.split(",")]
    return value if isinstance(value, list) else None


def _is_keyed_by_layer(described: Described, path: KeyPath, value: Any) -> bool:
    if not isinstance(value, dict) or not value:
        return False
    keys = [re.fullmatch(_KEY_OF_LAYER, key) for key in value]
    if not all(keys) or len({key[1] for key in keys if key}) > 1:
        return False
    numbers = sorted(int(key[2]) for key in keys if key)
    is_about_layers = any(key[1] for key in keys if key) or "layer" in path[-1]
    return numbers == list(range(described.layer_count)) or (is_about_layers and numbers[-1] < described.layer_count)


def _remap_list(draft: Draft, visits: Visits, path: KeyPath, first: int) -> None:
    if all(_listed(source.value(path)) is None for source in [draft.donor, *visits.sources]):
        return
    numbers = []
    for place, (source, layer) in enumerate(visits):
        listed = _listed(source.value(path))
        if listed is None:
            raise silent(path[-1], source)
        if layer + first in listed:
            numbers.append(place + first)
    numbers += _behind(draft, path, first)
    draft.set(path, ",".join(map(str, numbers)) if isinstance(draft.donor.value(path), str) else numbers)


def _behind(draft: Draft, path: KeyPath, first: int) -> list[int]:
    """Numbers of layers after the last one, which keep their place there."""
    old, new = draft.donor.layer_count + first, draft.layer_count + first
    listed = _listed(draft.donor.value(path)) or ()
    return [number - old + new for number in listed if type(number) is int and number >= old]


def _remap_overrides(draft: Draft, visits: Visits, path: KeyPath) -> None:
    """{"3": {...}, ...} or {"layer_3": {...}, ...}."""
    if not any(isinstance(source.value(path), Mapping) for source in [draft.donor, *visits.sources]):
        return
    overrides = {}
    for place, (source, layer) in enumerate(visits):
        listed = source.value(path)
        if not isinstance(listed, Mapping):
            raise silent(path[-1], source)
        for key, value in listed.items():
            match = re.fullmatch(_KEY_OF_LAYER, key)
            if match and int(match[2]) == layer:
                overrides[f"{match[1]}{place}"] = value
    draft.set(path, overrides)
