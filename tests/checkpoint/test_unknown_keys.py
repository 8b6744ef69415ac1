"""No value that may number layers is copied unchanged without a word."""

import dataclasses
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from engine.checkpoint.anatomy import is_of_other_tower
from engine.checkpoint.config import LAYER_COUNT_KEYS, ModelConfig, parse_config
from engine.checkpoint.layer_keys import ConfigEdit, edited_config
from engine.checkpoint.layer_keys.edit import edited_generation
from engine.checkpoint.layer_keys.refusals import FAMILIES
from engine.checkpoint.layer_keys.unknown_keys import HARMLESS, UNDERSTOOD, suspicion
from engine.errors import CheckpointError
from tests.cases import cases

JUMP = [0, 1, 2, 3, 1, 2, 2, 3, 4, 5]


def config_of(**keys: Any) -> ModelConfig:
    return parse_config(json.dumps({"num_hidden_layers": 6, **keys}), Path("m/config.json"))


def edit(config: ModelConfig, layers: list[int]) -> ConfigEdit:
    return edited_config(config, [(config, layer) for layer in layers])


@cases(
    ("keys", "path"),
    [
        ({"first_moe_layer": 3}, "first_moe_layer"),
        ({"exit_layer": 0}, "exit_layer"),
        ({"layerSkip": 3}, "layerSkip"),
        ({"total_layers": 6}, "total_layers"),
        ({"layer_groups": [2, 4]}, "layer_groups"),
        ({"layer_range": "0-2"}, "layer_range"),
        ({"skip_layers": [[0, 3]]}, "skip_layers"),
        ({"moe_every": 2}, "moe_every"),
        ({"layer_pattern": ["mamba", "attention"]}, "layer_pattern"),
        ({"overrides": [{"layer_id": 2, "rank": 8}]}, "overrides.layer_id"),
        ({"arch": {"n_layers": 6}}, "arch.n_layers"),
        ({"talker_config": {"model_type": "t", "num_hidden_layers": 2, "accept_hidden_layer": 4}}, "talker_config"),
    ],
    ids=lambda keys: next(iter(keys)) if isinstance(keys, dict) else "",
)
def test_a_value_that_may_number_layers_is_warned_of_by_its_path(keys: dict[str, Any], path: str) -> None:
    (warning,) = edit(config_of(**keys), JUMP).warnings
    assert warning.startswith(f"`{path}")


@cases(
    "keys",
    [
        {"num_draft_layers": 0},
        {"block_size": 4},
        {"layer_norm_eps": 1},
        {"global_step": 4},
        {"hidden_size_per_layer_input": 2},
        {"vision_feature_layer": 3},
        {"draft_config": {"n_layers": 6}},
        {"projector": {"depth": 2}},
        {"dense_layers": 40},
        {"use_layer_cache": True},
        {"attn_layers_idx": [0]},
        {"sliding_window_pattern": 5},
    ],
    ids=lambda keys: next(iter(keys)),
)
def test_what_cannot_number_layers_or_follows_them_needs_no_warning(keys: dict[str, Any]) -> None:
    config = config_of(**keys)
    assert edit(config, [0, 1, 2, 3, 4, 5, 5]).warnings == ()


def test_hidden_states_that_the_generation_config_lists_are_those_of_the_copied_layers() -> None:
    text = '{"dola_layers": [0, 2, 3], "assistant_early_exit": 4, "top_p": 0.9}'
    assert edited_generation(text, [0, 1, 2, 1, None, 2, 3]) == (
        '{"dola_layers": [0, 2, 3, 4, 6], "assistant_early_exit": null, "top_p": 0.9}'
    )


@cases("text", ['{"dola_layers": "high"}', "[1]", "no JSON", '{"eos_token_id": [1, 2]}'])
def test_a_generation_config_that_numbers_no_layers_keeps_its_bytes(text: str) -> None:
    assert edited_generation(text, [1, 0]) == text


@cases("name", ["layer_overrides", "frobnication"])
def test_entries_for_ranges_of_layers_are_refused(name: str) -> None:
    with pytest.raises(CheckpointError, match=name):
        edit(config_of(**{name: {"0-2": {"rank": 1}, "3-5": {"rank": 2}}}), JUMP)


WORDS = st.lists(st.sampled_from(["first", "moe", "attn", "skip", "exit", "start", "full"]), max_size=2)
NAMES = st.tuples(WORDS, st.sampled_from(["layer", "layers", "block"]), WORDS).map(
    lambda parts: "_".join([*parts[0], parts[1], *parts[2]])
)
VALUES = st.one_of(
    st.integers(1, 6),
    st.lists(st.integers(0, 6), min_size=1, max_size=5),
    st.lists(st.lists(st.integers(0, 5), min_size=2, max_size=2), min_size=1, max_size=3),
    st.dictionaries(st.integers(0, 5).map(str), st.booleans(), min_size=1, max_size=6),
    st.dictionaries(
        st.tuples(st.integers(0, 2), st.integers(3, 5)).map("{0[0]}-{0[1]}".format), st.booleans(), min_size=1
    ),
)


@given(NAMES, VALUES, st.sampled_from([(), ("extra",), ("extra", "more")]), st.lists(st.integers(0, 5), min_size=1))
def test_numbers_under_a_name_of_layers_follow_or_are_warned_of_or_are_refused(
    name: str, value: Any, around: tuple[str, ...], layers: list[int]
) -> None:
    keys: Any = {name: value}
    for key in reversed(around):
        keys = {key: keys}
    config = config_of(**keys)
    try:
        found = edit(config, layers)
    except CheckpointError as error:
        assert name in error.line
        return
    is_whole = layers == list(range(6))
    is_same = is_whole or (isinstance(value, dict) and followed(value, layers) == value)
    path = ".".join([*around, name])
    said = [each for each in (*found.notes, *found.warnings) if f"`{path}`" in each]
    assert name in {*UNDERSTOOD, *LAYER_COUNT_KEYS} or bool(said) != is_same
    assert not is_whole or found.text == config.text


def followed(entries: dict[str, Any], layers: list[int]) -> dict[str, Any]:
    """Entries by layer number after the layers moved."""
    return {str(new): entries[str(old)] for new, old in enumerate(layers) if str(old) in entries}


def looked_at(annotation: Any) -> bool:
    return "bool" not in str(annotation) and ("int" in str(annotation) or "list" in str(annotation))


@pytest.mark.skipif(Version(version("transformers")) >= Version("5.25"), reason="families of 5.24 were looked through")
def test_every_key_of_a_decoder_in_transformers_whose_name_is_of_layers_is_decided() -> None:
    """Rewritten, refused, or known to be about something else."""
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES as CAUSAL

    decided = UNDERSTOOD | HARMLESS | set(LAYER_COUNT_KEYS)
    open_keys = {
        (family, field.name)
        for family in CONFIG_MAPPING
        if (family in CAUSAL or family.endswith("_text")) and family not in FAMILIES
        for field in dataclasses.fields(CONFIG_MAPPING[family])
        if looked_at(field.type) and not is_of_other_tower(field.name) and field.name not in decided
        and any(suspicion(field.name, value, 9) for value in (1, 2, 9, [1, 2], ["a", "b"]))
    }  # fmt: skip
    assert {key for key in open_keys if key[0] not in NO_DECODERS} == set()


NO_DECODERS = {"big_bird", "bigbird_pegasus", "moshi", "reformer", "speech_to_text", "whisper"}
"""Families without a plain list of decoder layers, which are refused for that."""
