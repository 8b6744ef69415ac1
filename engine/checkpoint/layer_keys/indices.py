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
"""Where layer numbers are listed, and the number that the first layer has there."""

SOLVED_ELSEWHERE = (("mlp_only_layers",), ("moe_layers",))
"""Read together with a period: see thresholds."""

OVERRIDES = ("per_layer_config",)

_NAMES_LAYERS = re.compile(r"layer(?:s|_?(?:ids?|idxs?|ind(?:ices|exes)))$")
_NEITHER = frozenset({"layer_ids", "target_layer_ids"})
"""Of models that read the hidden states of another one."""


def remap(draft: Draft, visits: Visits) -> None:
    """Rewrite every mention of a layer's number. Raises CheckpointError when only one of several sources says it."""
    for path, first in INDEX_LISTS.items():
        if path not in SOLVED_ELSEWHERE:
            _remap_list(draft, visits, path, first)
    for path, value in layer_paths(draft.donor.decoder):
        if path not in INDEX_LISTS and names_layers(draft.donor, path, value):
            first = 1 if draft.donor.layer_count in value else 0
            _remap_list(draft, visits, path, first)
            draft.notes.append(f"`{shown('.'.join(path))}` names layers, the first as {first}, and follows them.")
    _remap_overrides(draft, visits, OVERRIDES)
    for path, value in layer_paths(draft.donor.decoder):
        if path != OVERRIDES and _is_keyed_by_layer(draft.donor, path, value):
            _remap_overrides(draft, visits, path)
            draft.notes.append(f"`{shown('.'.join(path))}` has entries for layers, which follow them.")


def names_layers(described: Described, path: KeyPath, value: Any) -> bool:
    """Whether an unknown list is one of layer numbers: by its name, and by numbers that rise and are layers'."""
    if not isinstance(value, list) or not _NAMES_LAYERS.search(path[-1]) or path[-1] in _NEITHER:
        return False
    if not value or any(type(number) is not int for number in value):
        return False
    return value == sorted(set(value)) and value[0] >= 0 and value[-1] - (0 not in value) < described.layer_count


def _is_keyed_by_layer(described: Described, path: KeyPath, value: Any) -> bool:
    if not isinstance(value, dict) or not value or not all(key.isdecimal() for key in value):
        return False
    numbers = sorted(map(int, value))
    is_all = numbers == list(range(described.layer_count))
    return is_all or ("layer" in path[-1] and numbers[-1] < described.layer_count)


def _remap_list(draft: Draft, visits: Visits, path: KeyPath, first: int) -> None:
    if not any(isinstance(source.value(path), list) for source in [draft.donor, *visits.sources]):
        return
    numbers = []
    for place, (source, layer) in enumerate(visits):
        listed = source.value(path)
        if not isinstance(listed, list):
            raise silent(path[-1], source)
        if layer + first in listed:
            numbers.append(place + first)
    draft.set(path, numbers)


def _remap_overrides(draft: Draft, visits: Visits, path: KeyPath) -> None:
    """{"3": {...}, ...}."""
    if not any(isinstance(source.value(path), Mapping) for source in [draft.donor, *visits.sources]):
        return
    overrides = {}
    for place, (source, layer) in enumerate(visits):
        listed = source.value(path)
        if not isinstance(listed, Mapping):
            raise silent(path[-1], source)
        if str(layer) in listed:
            overrides[str(place)] = listed[str(layer)]
    draft.set(path, overrides)
