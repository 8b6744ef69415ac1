"""Lists with one entry a layer, gathered by source layer, and short patterns that a model repeats up to its depth."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from engine.checkpoint.json_splice import KeyPath
from engine.checkpoint.layer_keys.defaults import DERIVED_KEYS, derived
from engine.checkpoint.layer_keys.draft import Described, Draft, Visits, layer_paths, refused, silent
from engine.checkpoint.layer_keys.indices import INDEX_LISTS, names_layers
from engine.errors import shown

KNOWN = (
    *DERIVED_KEYS,
    "attention_layers",
    "block_configs",
    "activation_sparsity_pattern",
    "compress_ratios",
    "indexer_types",
    "layer_rope_theta",
    "moe_layer_freq",
    "intermediate_size",
    "num_attention_heads",
    "num_key_value_heads",
    "num_attention_heads_per_layer",
    "num_key_value_heads_per_layer",
    "num_query_heads",
    "num_kv_heads",
    "ffn_multipliers",
    "attention_windows",
    "sliding_windows",
    "swiglu_limits",
    "swiglu_limits_shared",
    "layers_num_experts",
    "moe_topk",
    "num_shared_expert",
    "hybrid_override_pattern",
    "index_topk_pattern",
)
"""Keys whose value, where it is a list or a string, has one entry a layer."""

NESTED = (("sparse_attention_config", "sparse_attention_freq"),)
_ROTARY = (("rope_parameters", "rope_theta"), ("rope_parameters", "partial_rotary_factor"))
"""Rotary settings that may have one entry per layer; other lists among them hold frequencies."""

NOT_PER_LAYER = frozenset(
    {
        "architectures",
        "auto_map",
        "bos_token_id",
        "eos_token_id",
        "pad_token_id",
        "block_types",
        "attention_types",
        "id2label",
        "keys_to_ignore_at_inference",
        "mlp_multipliers",
        "ssm_multipliers",
        "time_step_limit",
        "mrope_section",
        "task_specific_params",
        "suppress_tokens",
        "begin_suppress_tokens",
        "mtp_layer_types",
        "mtp_mlp_layer_types",
        "mtp_layers_block_type",
        "layer_ids",
        "target_layer_ids",
    }
)
"""Lists that are as long as the model is deep only by chance, or that other code rewrites."""

_OF_TEXT = r"token|language|label|special|stop_|tags?$"
"""Keys of lists about text, which are never one entry a layer."""
_PATTERN = r"[A-Z0-9*_.|+-]+"
"""A letter or sign for each layer: "M-M*-"."""


def gather(draft: Draft, visits: Visits) -> None:
    """Put each layer's entry of every per-layer list at the layer's new place.

    Raises CheckpointError when a list is shorter than the model is deep, or when one source leaves out what another
    has and no default is known.
    """
    for path in _paths(draft, visits):
        values = {id(source): _entries(source, path) for source in visits.sources}
        if any(entries is not None for entries in values.values()):
            _gather_one(draft, path, [(source, values[id(source)], layer) for source, layer in visits])


def _gather_one(draft: Draft, path: KeyPath, visits: list[tuple[Described, Sequence[Any] | None, int]]) -> None:
    key = path[-1]
    gathered = []
    for source, entries, layer in visits:
        if entries is None:
            raise silent(key, source)
        gathered.append(entries[layer])
    draft.followed.add(path)
    if not _speaks(draft.now, path) and _entries(draft.now, path) == gathered:
        return
    draft.set(path, _in_form_of(draft.donor, path, gathered))
    if not _speaks(draft.donor, path):
        draft.notes.append(
            f"`{key}` is written explicitly; {shown(draft.donor.name)} leaves it to the family's default."
        )
    elif key not in KNOWN and path not in NESTED:
        draft.notes.append(f"`{shown(key)}` has one entry per layer; its entries follow the layers.")


def _in_form_of(donor: Described, path: KeyPath, gathered: list[Any]) -> Any:
    """The entries as a string of letters or a list, as the donor has them, with its entries after the last layer."""
    spelled = donor.value(path)
    if isinstance(spelled, str):
        return "".join(gathered) + spelled[donor.layer_count :]
    return gathered + (spelled[donor.layer_count :] if isinstance(spelled, list) else [])


def _entries(described: Described, path: KeyPath) -> list[Any] | None:
    """One entry a layer: listed, or one value for all, or made up by the family. None when nothing is known."""
    value, count, key = described.value(path), described.layer_count, path[-1]
    if value is None or value == []:
        return derived(key, described.model_type, described.decoder, count)
    if isinstance(value, (list, str)):
        if len(value) < count:
            raise refused(key, f"{described.name} has {len(value)} entries in it for {count} layers")
        return list(value[:count])
    return [value] * count


def _paths(draft: Draft, visits: Visits) -> Iterator[KeyPath]:
    """Derived keys first: some lists are made up from others."""
    described = [draft.donor, *visits.sources]
    yield from (
        (key,) for key in DERIVED_KEYS if any(_speaks(each, (key,)) or _derives(each, key) for each in described)
    )
    paths = {
        path: None
        for each in described
        for path, value in layer_paths(each.decoder)
        if _is_per_layer(each, path, value)
    }
    yield from (path for path in paths if path[0] not in DERIVED_KEYS and path not in NESTED)
    yield from (path for path in _ROTARY if any(_is_per_layer(each, path, each.value(path)) for each in described))
    yield from (path for path in NESTED if any(_speaks(each, path) for each in described))


def _derives(described: Described, key: str) -> bool:
    return derived(key, described.model_type, described.decoder, described.layer_count) is not None


def _speaks(described: Described, path: KeyPath) -> bool:
    """An empty list says nothing: Llama 4 writes one for its default."""
    value = described.value(path)
    return isinstance(value, (list, str)) and len(value) > 0


def _is_per_layer(described: Described, path: KeyPath, value: Any) -> bool:
    if path[-1] in NOT_PER_LAYER or path in INDEX_LISTS or names_layers(described, path, value):
        return False
    if path[-1] in KNOWN and len(path) == 1:
        return isinstance(value, (list, str)) and len(value) > 0
    if isinstance(value, str):
        return "pattern" in path[-1] and len(value) == described.layer_count and bool(re.fullmatch(_PATTERN, value))
    lengths = (described.layer_count, described.announced_count)
    return isinstance(value, list) and len(value) in lengths and not re.search(_OF_TEXT, path[-1])


def untile(draft: Draft, visits: Visits) -> None:
    """Rewrite `block_types` (recurrent_gemma: tiled) and `attention_types` (gpt_neo: [[pattern, times], ...])."""
    _rewrite(draft, visits, "block_types", _tiled, lambda kinds: list(kinds))
    _rewrite(draft, visits, "attention_types", _expanded, lambda kinds: [[list(kinds), 1]])


def _rewrite(
    draft: Draft,
    visits: Visits,
    key: str,
    read: Callable[[str, Described], list[Any] | None],
    spelled: Callable[[Sequence[Any]], list[Any]],
) -> None:
    values = {id(source): read(key, source) for source in visits.sources}
    if all(kinds is None for kinds in values.values()):
        return
    target = []
    for source, layer in visits:
        kinds = values[id(source)]
        if kinds is None:
            raise silent(key, source)
        target.append(kinds[layer])
    if read(key, draft.now) != target:
        draft.set((key,), spelled(target))


def _tiled(key: str, described: Described) -> list[Any] | None:
    pattern = described.decoder.get(key)
    if not isinstance(pattern, list) or not pattern:
        return None
    times = -(-described.layer_count // len(pattern))
    return (pattern * times)[: described.layer_count]


def _expanded(key: str, described: Described) -> list[Any] | None:
    groups = described.decoder.get(key)
    if not isinstance(groups, list):
        return None
    try:
        return [kind for kinds, times in groups for _ in range(times) for kind in kinds]
    except (TypeError, ValueError) as error:
        raise refused(key, f"{described.name} does not spell it as [[pattern, times], ...]") from error
