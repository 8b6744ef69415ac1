import json
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from engine.checkpoint.config import ModelConfig, parse_config
from engine.checkpoint.layer_keys import ConfigEdit, edited_config
from engine.checkpoint.layer_keys.defaults import DERIVED_KEYS, derived, makes_up
from engine.checkpoint.layer_keys.refusals import FAMILIES
from engine.errors import CheckpointError
from tests.cases import cases

JUMP = [0, 1, 2, 3, 1, 2, 2, 3, 4, 5]
"""An odd backward jump over six layers."""


def config_of(layers: int = 6, **keys: Any) -> ModelConfig:
    return parse_config(json.dumps({"num_hidden_layers": layers, **keys}, indent=2) + "\n", Path("m/config.json"))


def edit(config: ModelConfig, layers: Sequence[int]) -> ConfigEdit:
    return edited_config(config, [(config, layer) for layer in layers])


def decoder_after(config: ModelConfig, layers: Sequence[int]) -> dict[str, Any]:
    return dict(parse_config(edit(config, layers).text, config.path).decoder)


def test_a_stack_of_the_layers_as_they_are_changes_no_byte() -> None:
    config = config_of(layer_types=list("abcdef"), first_k_dense_replace=2, num_kv_shared_layers=3)
    assert edit(config, range(6)).text == config.text


def test_extra_changes_go_in_even_so() -> None:
    config = config_of(dtype="float32")
    assert edited_config(config, [(config, i) for i in range(6)], {("dtype",): "bfloat16"}).text == (
        config.text.replace("float32", "bfloat16")
    )


@given(st.lists(st.integers(0, 5), min_size=1, max_size=12))
def test_a_list_is_gathered_by_source_layer(layers: list[int]) -> None:
    config = config_of(layer_types=list("abcdef"), eos_token_id=[1, 2, 3, 4, 5, 6])
    after = decoder_after(config, layers)
    assert after["layer_types"] == ["abcdef"[layer] for layer in layers]
    assert after["num_hidden_layers"] == len(layers)
    assert after["eos_token_id"] == [1, 2, 3, 4, 5, 6]


def test_only_the_values_concerned_change_in_the_text() -> None:
    config = config_of(mlp_only_layers=[1], rope_theta=1e6, layer_types=list("aabaab"))
    assert edit(config, [0, 1, 2, 1, 2, 3, 4, 5]).text == (
        config.text.replace('"num_hidden_layers": 6', '"num_hidden_layers": 8')
        .replace('"mlp_only_layers": [\n    1\n  ]', '"mlp_only_layers": [\n    1,\n    3\n  ]')
        .replace('"a",\n    "a",\n    "b",\n    "a"', '"a",\n    "a",\n    "b",\n    "a",\n    "b",\n    "a"', 1)
    )


def test_keys_of_a_nested_decoder_are_edited_in_their_place() -> None:
    text = json.dumps({"model_type": "gemma3", "text_config": {"num_hidden_layers": 3, "layer_types": list("abc")}})
    config = parse_config(text, Path("config.json"))
    assert json.loads(edit(config, [0, 1, 1, 2]).text)["text_config"] == {
        "num_hidden_layers": 4,
        "layer_types": list("abbc"),
    }


@cases("key", ["stop_token_ids", "language_codes", "labels", "special_ids"])
def test_a_list_about_text_is_as_long_as_the_model_by_chance(key: str) -> None:
    assert decoder_after(config_of(**{key: [1, 2, 3, 4, 5, 6]}), JUMP)[key] == [1, 2, 3, 4, 5, 6]


def test_rotary_settings_for_kinds_of_layers_are_left_alone() -> None:
    config = config_of(rope_theta=[1e4, 1e6], rope_parameters={"rope_theta": [1e4, 1e6]})
    assert decoder_after(config, JUMP)["rope_theta"] == [1e4, 1e6]


@cases("key", ["decoder_config", "lm_config", "language_model_config", "text_model_config", "llm_cfg"])
def test_a_decoder_is_found_under_every_usual_name(key: str) -> None:
    config = parse_config(json.dumps({key: {"num_hidden_layers": 3, "layer_types": list("abc")}}), Path("config.json"))
    after = json.loads(edit(config, [0, 1, 1, 2]).text)
    assert after == {key: {"num_hidden_layers": 4, "layer_types": list("abbc")}}


def test_an_unknown_list_as_long_as_the_model_is_gathered_and_said_so() -> None:
    config = config_of(frobnication=[1, 2, 3, 4, 5, 6])
    assert decoder_after(config, JUMP)["frobnication"] == [layer + 1 for layer in JUMP]
    assert "frobnication" in edit(config, JUMP).notes[0]


@cases(
    ("keys", "wanted"),
    [
        ({"full_attn_idxs": [1, 4]}, {"full_attn_idxs": [1, 4, 8]}),
        ({"hybrid_override_pattern": "M*-M*-"}, {"hybrid_override_pattern": "M*-M*--M*-"}),
        ({"block_types": ["r", "r", "a"]}, {"block_types": list("rrarraarra")}),
        ({"attention_types": [[["g", "l"], 3]]}, {"attention_types": [[list("glgllgglgl"), 1]]}),
        ({"mlp_only_layers": [0, 3], "decoder_sparse_step": 1}, {"mlp_only_layers": [0, 3, 7]}),
        ({"decoder_sparse_step": 2}, {"mlp_only_layers": [0, 2, 5, 6, 8], "decoder_sparse_step": 1}),
        ({"first_k_dense_replace": 1}, {"first_k_dense_replace": 1}),
        ({"moe_layers": [1, 3, 5]}, {"moe_layers": [1, 3, 4, 7, 9]}),
        ({"linear_attn_config": {"kda_layers": [2]}}, {"linear_attn_config": {"kda_layers": [2, 5]}}),
        ({"per_layer_config": {"2": {"x": 1}}}, {"per_layer_config": {key: {"x": 1} for key in ["2", "5", "6"]}}),
        ({"attn_layers_idx": [0, 2]}, {"attn_layers_idx": [0, 2, 5, 6]}),
        ({"full_attention_layers_indices": [2]}, {"full_attention_layers_indices": [2, 5, 6]}),
        ({"global_attn_idx": [0, 5]}, {"global_attn_idx": [0, 9]}),
        ({"moe_layers_enum": "2,4"}, {"moe_layers_enum": "2,5,6,8"}),
        ({"moe_layers_enum": "5,6", "num_nextn_predict_layers": 1}, {"moe_layers_enum": "9,10"}),
        (
            {"layer_overrides": {"layer_2": {"x": 1}}},
            {"layer_overrides": {f"layer_{key}": {"x": 1} for key in (2, 5, 6)}},
        ),
        ({"pruned_heads": {"5": [0]}}, {"pruned_heads": {"9": [0]}}),
        ({"block_pattern": "M*-M*-"}, {"block_pattern": "M*-M*--M*-"}),
        ({"rope_theta": [1, 2, 3, 4, 5, 6]}, {"rope_theta": [1, 2, 3, 4, 2, 3, 3, 4, 5, 6]}),
        (
            {"rope_theta": [1, 2, 3, 4, 5, 6, 9], "num_nextn_predict_layers": 1},
            {"rope_theta": [1, 2, 3, 4, 2, 3, 3, 4, 5, 6, 9]},
        ),
        (
            {"rope_parameters": {"rope_theta": [1, 2, 3, 4, 5, 6], "short_factor": [1, 2, 3, 4, 5, 6]}},
            {"rope_parameters": {"rope_theta": [1, 2, 3, 4, 2, 3, 3, 4, 5, 6], "short_factor": [1, 2, 3, 4, 5, 6]}},
        ),
        ({"num_blocks": 6, "decoder_layers": 6}, {"num_hidden_layers": 10, "num_blocks": 10, "decoder_layers": 10}),
        ({"num_key_value_heads": [1, 2, 1, 2, 1, 2]}, {"num_key_value_heads": [1, 2, 1, 2, 2, 1, 1, 2, 1, 2]}),
        (
            {"quantization_config": {"modules_to_not_convert": ["lm_head", "model.layers.2.mlp"]}},
            {
                "quantization_config": {
                    "modules_to_not_convert": ["lm_head", *(f"model.layers.{i}.mlp" for i in (2, 5, 6))]
                }
            },
        ),
    ],
    ids=lambda keys: next(iter(keys)),
)
def test_each_kind_of_key_follows_the_layers(keys: dict[str, Any], wanted: dict[str, Any]) -> None:
    after = decoder_after(config_of(**keys), JUMP)
    assert {key: after[key] for key in wanted} == wanted


@cases(
    ("keys", "layers", "wanted"),
    [
        ({"first_k_dense_replace": 2}, [0, 1, 0, 1, 2, 3], {"first_k_dense_replace": 4}),
        ({"num_dense_layers": 2}, [0, 2, 3], {"num_dense_layers": 1}),
        ({"attn_layer_period": 3, "attn_layer_offset": 1}, [0, 2, 3, 4, 5], {"attn_layer_period": 4}),
        ({"moe_layer_start_index": 1, "moe_layer_interval": 2}, [0, 0, 1, 3], {"moe_layer_start_index": 2}),
        ({"max_window_layers": 4, "use_sliding_window": True}, [0, 1, 4, 5], {"max_window_layers": 2}),
        ({"sliding_window_pattern": 3}, [0, 2, 3, 5], {"sliding_window_pattern": 2}),
    ],
)
def test_thresholds_and_periods_are_solved(keys: dict[str, Any], layers: list[int], wanted: dict[str, Any]) -> None:
    after = decoder_after(config_of(**keys), layers)
    assert {key: after[key] for key in wanted} == wanted


@cases(
    "keys",
    [
        {"first_k_dense_replace": 2},
        {"attn_layer_period": 3, "attn_layer_offset": 1},
        {"sliding_window_pattern": 3},
        {"num_kv_shared_layers": 2},
        {"scale_attn_by_inverse_layer_idx": True},
        {"scale_depth": 1.4},
        {"layer_types": ["a"]},
        {"indexer_types": ["full", "shared"] * 3},
        {"model_type": "minimax"},
        {"model_type": "dory"},
    ],
    ids=lambda keys: next(iter(keys)),
)
def test_what_no_config_can_say_is_refused_by_name(keys: dict[str, Any]) -> None:
    with pytest.raises(CheckpointError, match=next(iter(keys))):
        edit(config_of(**keys), JUMP)


def test_a_family_that_shares_indices_unless_it_says_otherwise_is_refused_by_what_it_leaves_out() -> None:
    with pytest.raises(CheckpointError, match="indexer_types"):
        edit(config_of(model_type="hy_v4"), JUMP)
    assert decoder_after(config_of(model_type="hy_v4", indexer_types=["full"] * 6), JUMP)["num_hidden_layers"] == 10


def test_a_default_pattern_is_written_out_where_the_stack_breaks_it() -> None:
    config = config_of(model_type="gemma2")
    after = decoder_after(config, [0, 1, 1])
    assert after["layer_types"] == ["sliding_attention", "full_attention", "full_attention"]


def test_an_empty_list_stands_for_the_default() -> None:
    config = config_of(model_type="llama4_text", no_rope_layers=[])
    assert decoder_after(config, [0, 1, 2, 3, 0, 1, 2, 3, 4])["no_rope_layers"] == []
    assert decoder_after(config, [0, 3, 3])["no_rope_layers"] == [1, 0, 0]


def test_modules_behind_the_last_layer_keep_their_place_behind_it() -> None:
    config = config_of(quantization_config={"ignored_layers": ["model.layers.6.mlp", "model.layers.5.mlp"]})
    listed = decoder_after(config, JUMP)["quantization_config"]["ignored_layers"]
    assert listed == ["model.layers.9.mlp", "model.layers.10.mlp"]


def test_a_default_that_is_written_out_is_said_so() -> None:
    assert "layer_types" in edit(config_of(model_type="gemma2"), [0, 1, 1]).notes[0]


def test_a_default_pattern_stays_unsaid_where_it_fits() -> None:
    assert "layer_types" not in decoder_after(config_of(model_type="gemma2"), [0, 1, 2, 3, 2, 3, 4, 5])


def test_each_visit_is_described_by_its_own_config() -> None:
    one, two = config_of(model_type="gemma2"), config_of(model_type="gemma2", layer_types=["full_attention"] * 6)
    edit = edited_config(one, [(two, 0), (one, 1), (one, 2)])
    assert json.loads(edit.text)["layer_types"] == ["full_attention", "full_attention", "sliding_attention"]


def test_a_source_that_leaves_open_what_another_says_is_refused() -> None:
    one, two = config_of(layer_types=list("ababab")), config_of()
    with pytest.raises(CheckpointError, match="layer_types"):
        edited_config(one, [(one, 0), (two, 1)])


PROBED: tuple[dict[str, Any], ...] = (
    {"num_hidden_layers": 13},
    {"num_hidden_layers": 12},
    {"num_hidden_layers": 9, "sliding_window_pattern": 3, "no_rope_layer_interval": 3, "moe_layer_freq": 2},
    {"num_hidden_layers": 9, "use_sliding_window": True, "sliding_window": 8, "max_window_layers": 5},
    {"num_hidden_layers": 9, "first_k_dense_replace": 2, "full_attention_interval": 3, "layer_group_size": 2},
    {"num_hidden_layers": 9, "global_attn_every_n_layers": 5, "sliding_window": None, "full_attn_idxs": [2, 4]},
)
"""Keys of a config.json that names no kind of layer."""

NO_LIST_TO_WRITE = {"jamba", "recurrent_gemma", "zamba"}
"""Their lists are views of other keys, which are rewritten."""

LEFT_TO_THE_LOAD_CHECK = {
    "deepseek_v4",
    "dots3_note_text",
    "embedding_gemma2_text",
    "modernbert",
    "nemotron_h",
    "step3p5",
    "t5gemma2_text",
}
"""Their made-up lists are not reproduced: a stack that breaks their rhythm fails the load check."""


@pytest.fixture(scope="module")
def made_up() -> list[tuple[dict[str, Any], dict[str, list[Any]]]]:
    """Configs without per-layer lists, and the lists of unlike layers that transformers' classes make of them."""
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES as CAUSAL

    decoders = {name: CONFIG_MAPPING[name] for name in CONFIG_MAPPING if name in CAUSAL or name.endswith("_text")}
    return [
        ({"model_type": name, **settings}, unlike_layers(decoder, {"model_type": name, **settings}))
        for name, decoder in decoders.items()
        if any(hasattr(decoder, key) for key in DERIVED_KEYS)
        for settings in PROBED
    ]


def unlike_layers(config_class: Any, config: dict[str, Any]) -> dict[str, list[Any]]:
    """Per-layer lists of the class, empty where it refuses such a config."""
    try:
        made = config_class.from_dict(config)
    except Exception:
        return {}
    lists = {key: getattr(made, key, None) for key in DERIVED_KEYS}
    return {key: found for key, found in lists.items() if isinstance(found, list) and len(set(found)) > 1}


REVIEWED = Version("5.24")
"""Version of transformers whose families were reviewed. Other versions may name layer types differently (glm5_next_text
did in 5.17) or have other families: those are left to the load check."""


@pytest.mark.slow
@pytest.mark.skipif(Version(version("transformers")) < REVIEWED, reason=f"older than transformers {REVIEWED}")
@pytest.mark.parametrize("key", DERIVED_KEYS)
def test_made_up_lists_are_those_of_transformers(key: str, made_up: Any) -> None:
    found = {
        (config["model_type"], index): (lists[key], derived(key, config["model_type"], config, len(lists[key])))
        for index, (config, lists) in enumerate(made_up)
        if key in lists
    }
    assert {place: pair for place, pair in found.items() if pair[1] not in (None, pair[0])} == {}


@pytest.mark.skipif(
    Version(version("transformers")) >= Version(f"{REVIEWED.major}.{REVIEWED.minor + 1}"),
    reason=f"the families of transformers after {REVIEWED} were not reviewed",
)
@pytest.mark.slow
@pytest.mark.parametrize("key", DERIVED_KEYS)
def test_every_family_that_makes_lists_up_is_known_or_named(key: str, made_up: Any) -> None:
    families = {config["model_type"] for config, lists in made_up if key in lists}
    known = {
        *(family for family in families if makes_up(key, family)),
        *LEFT_TO_THE_LOAD_CHECK,
        *NO_LIST_TO_WRITE,
        *FAMILIES,
    }
    assert sorted(families - known) == []
