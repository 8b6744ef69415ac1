"""Values of config.json that may number layers although no rule rewrites them.

A model's own code may read any key. Keys that are rewritten, or known to concern something else, are skipped; others
are reported if the name suggests layers and the value is a possible layer number.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from engine.checkpoint.anatomy import is_of_other_tower
from engine.checkpoint.config import LAYER_COUNT_KEYS, LENGTH_KEYS, QUANTISATION_KEYS, ModelConfig, is_model_config
from engine.checkpoint.json_splice import KeyPath
from engine.checkpoint.layer_keys import indices, lists, refusals, thresholds
from engine.errors import shown

UNDERSTOOD = frozenset(
    {
        *(key for scheme in thresholds.SCHEMES for key in scheme.defaults),
        *(key for path in (*indices.INDEX_LISTS, *indices.OVERRIDES, *lists.NESTED) for key in path),
        *refusals.CROSS_LAYER,
        *refusals.DEPTH_DEPENDENT,
        *LENGTH_KEYS,
        *lists.KNOWN,
        "attention_types",
        "kv_source_layers",
        "block_types",
        "deepstack_layer_map",
        "deepstack_visual_indexes",
        "spatial_target_layers",
    }
)
"""Keys that are rewritten, refused, or looked at by a rule of their own."""

HARMLESS = frozenset(
    {
        *lists.NOT_PER_LAYER,
        "adapter_layers",
        "conditional_layer",
        "feature_layer",
        "insert_layer_id",
        "num_adapter_layers",
        "num_conv_layers",
        "num_mem_blocks",
        "resampler_depth",
        "select_layer",
        "subsample_layers",
    }
)
"""Keys about something else than the decoder's layers."""

_OF_THE_DECODER = frozenset({"accept_hidden_layer"})
"""Keys of another model's part that number the decoder's layers: Qwen3-Omni's talker listens to one of them."""

_LAYER_WORD = r"(?:^|_)(?:layers?|blocks?|depths?)(?:_|$)"
_KINDS = "attn|attention|full|global|local|swa|sliding|mamba|ssm|moe|sparse|dense|experts?"
_PERIOD = (
    rf"(?:^|_)(?:{_KINDS})_(?:every|interval|period|freq|frequency|start|end|offset|from|until)(?:_|$)"
    rf"|(?:^|_)(?:first|last|every)_(?:k|n|{_KINDS})(?:_|$)|(?:^|_)(?:moe|sparse|experts?)_step$"
)
_MEASURE = (
    r"(?:^|_)(?:layers?|blocks?|depths?)_(?:size|sizes|norm|drop|dropout|scale|eps|act|len|length|dim|width|multiple|"
    r"multiplier|ffn|gate|rank)(?:_|$)|(?:^|_)per_(?:layer|block)(?:_|$)|s_per_|nextn|mtp|draft|local_blocks|topk"
)
"""Names of sizes and factors, and of layers after the decoder."""
_COUNT = r"(?:^|_)(?:num|n|number|count)(?:_|$)"
_RHYTHM = r"(?:pattern|types?|kinds?|schedule|sequence)$"
_CAMEL = r"(?<=[a-z0-9])(?=[A-Z])"
_NUMBERS = r"\s*\d+(?:\s*[-:,]\s*\d+)*\s*"


def unknown_key_warnings(config: ModelConfig, followed: Collection[KeyPath]) -> Iterator[str]:
    """Sentences about values that are copied unchanged although they may number layers.

    followed: key paths, from the top of the file, whose values were rewritten for the new layers.
    """
    for path, value in _unknown(config, config.data, (), followed):
        if reason := suspicion(path[-1], value, config.layer_count):
            yield f"`{shown('.'.join(path))}` is copied unchanged ({shown(value)}), but {reason}"


def _unknown(
    config: ModelConfig, part: Any, path: KeyPath, followed: Collection[KeyPath]
) -> Iterator[tuple[KeyPath, Any]]:
    """Unexplained values below a part of the file, with their paths; objects in lists are included."""
    for key, value in part.items():
        inner_path = (*path, key)
        if inner_path in followed or key in UNDERSTOOD | HARMLESS or is_of_other_tower(key) or key in QUANTISATION_KEYS:
            continue
        if _is_separate(config, inner_path, value):
            yield from (((*inner_path, name), value[name]) for name in _decoder_keys(config, inner_path, value))
        else:
            yield inner_path, value
            for inner in _objects(value):
                yield from _unknown(config, inner, inner_path, followed)


def _is_separate(config: ModelConfig, path: KeyPath, value: Any) -> bool:
    """Return True for a part with a depth of its own that is not one of the decoder's known places."""
    is_of_decoder = any(tower[: len(path)] == path for tower in config.towers)
    return isinstance(value, dict) and is_model_config(value) and not is_of_decoder


def _decoder_keys(config: ModelConfig, path: KeyPath, part: Mapping[str, Any]) -> Iterator[str]:
    """Keys of a separate part that refer to the decoder, among them its depth unless the part is named as a model."""
    is_model = "model_type" in part or path[-1].endswith("_config")
    for key, value in part.items():
        is_depth = key in LAYER_COUNT_KEYS and value == config.layer_count
        if key in _OF_THE_DECODER or (is_depth and not is_model):
            yield key


def _objects(value: Any) -> list[Mapping[str, Any]]:
    if isinstance(value, dict):
        return [value]
    return [inner for inner in value if isinstance(inner, dict)] if isinstance(value, list) else []


def suspicion(key: str, value: Any, depth: int) -> str:
    """Reason to suspect that a value is about layers; "" if there is no reason."""
    name = re.sub(_CAMEL, "_", key).lower()
    if name in LAYER_COUNT_KEYS and value == depth:
        return "it equals the number of layers"
    if re.search(_MEASURE, name):
        return ""
    if re.search(_LAYER_WORD, name):
        return _of_layers(name, value, depth)
    is_period = type(value) is int and 1 < value <= depth
    return "may be a period or a threshold of layers" if is_period and re.search(_PERIOD, name) else ""


def _of_layers(name: str, value: Any, depth: int) -> str:
    numbers = list(_numbers(value))
    if numbers and all(0 <= number <= depth for number in numbers):
        is_absence = value == 0 and re.search(_COUNT, name)
        return "" if is_absence else "may number layers"
    is_rhythm = isinstance(value, list) and 1 < len(value) < depth and all(isinstance(each, str) for each in value)
    return "may be a repeating pattern of layers" if is_rhythm and re.search(_RHYTHM, name) else ""


def _numbers(value: Any) -> Iterator[int]:
    """Whole numbers in a value; -1 for anything else, so that a mixed list never passes for layer numbers."""
    if isinstance(value, list):
        for inner in value:
            yield from _numbers(inner)
    elif isinstance(value, str) and re.fullmatch(_NUMBERS, value):
        yield from map(int, re.findall(r"\d+", value))
    elif not isinstance(value, dict):
        yield value if type(value) is int else -1
