"""Keys that name layers by number: index lists, and mappings from a layer's number to its overrides."""

from collections.abc import Mapping

from engine.checkpoint.json_splice import KeyPath
from engine.checkpoint.layer_keys.draft import Draft, Visits, silent

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


def remap(draft: Draft, visits: Visits) -> None:
    """Rewrite every mention of a layer's number. Raises CheckpointError when only one of several sources says it."""
    for path, first in INDEX_LISTS.items():
        if path not in SOLVED_ELSEWHERE:
            _remap_list(draft, visits, path, first)
    _remap_overrides(draft, visits)


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


def _remap_overrides(draft: Draft, visits: Visits) -> None:
    """`per_layer_config`: {"3": {...}, ...}."""
    if not any(isinstance(source.value(OVERRIDES), Mapping) for source in [draft.donor, *visits.sources]):
        return
    overrides = {}
    for place, (source, layer) in enumerate(visits):
        listed = source.value(OVERRIDES)
        if not isinstance(listed, Mapping):
            raise silent(OVERRIDES[0], source)
        if str(layer) in listed:
            overrides[str(place)] = listed[str(layer)]
    draft.set(OVERRIDES, overrides)
