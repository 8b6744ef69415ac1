"""Entries of config.json that name layers follow them, or are refused with their place."""

import json
from typing import Any

import pytest

from engine.errors import CheckpointError
from engine.plan.companions import companions
from engine.plan.outputs import output_config
from engine.plan.stack import Donor, Stack, Visit
from tests.cases import cases
from tests.plan.layer_name_readers import disagreements
from tests.plan.named_models import LAYERS, MODELS, rewritten, stack_of


@cases(
    ("old", "new"),
    [
        (["lm_head", "model.layers.5.mlp"], ["lm_head", "model.layers.8.mlp"]),
        (["model.layers.2"], ["model.layers.2", "model.layers.5"]),
        ([r"re:.*layers\.2\.mlp.*"], [r"re:.*layers\.(?:2|5)\.mlp.*"]),
        ([r"re:model\.layers\.(0|6)\..*"], [r"re:model\.layers\.(?:0|9)\..*"]),
        ([r"re:.*layers\.\d+\.self_attn.*", "re:.*lm_head"], [r"re:.*layers\.\d+\.self_attn.*", "re:.*lm_head"]),
        (["model.layers.0*"], ["model.layers.0*"]),
        (["model.layers.3*"], ["model.layers.3*", "model.layers.6*"]),
        (["model.layers.*.mlp.gate*"], ["model.layers.*.mlp.gate*"]),
        (["*layers.5.self_attn*"], ["*layers.8.self_attn*"]),
    ],
)
def test_entries_about_some_layers_follow_them_and_those_about_all_keep_their_spelling(old: Any, new: Any) -> None:
    path = ("quantization_config",)
    found = rewritten(MODELS["llama"], path, {"ignore": old})
    assert found == {"ignore": new}


def test_an_open_glob_reaches_no_layer_with_a_longer_number() -> None:
    listed = {"exclude_modules": ["model.layers.0*", "model.layers.1*"]}
    found = rewritten(MODELS["llama"], ("quantization_config",), listed, [0, *range(7), *range(7)])
    of_layer_0 = ["model.layers.0*", "model.layers.1", "model.layers.1.*", "model.layers.8*"]
    assert found == {"exclude_modules": [*of_layer_0, "model.layers.2*", "model.layers.9*"]}


def test_the_prediction_layer_behind_the_decoder_moves_with_its_end() -> None:
    listed = ["model.layers.0*", "model.layers.5*"]
    found = rewritten(MODELS["prediction layer"], ("quantization_config",), {"ignore": listed}, [0, 1, 2, 1, 2, 3, 4])
    assert found == {"ignore": ["model.layers.0*", "model.layers.7*"]}


@cases("path", MODELS["two towers"].places)
def test_lists_beside_and_inside_the_decoders_part_are_rewritten_and_other_towers_keep_their_numbers(path: Any) -> None:
    listed = ["model.language_model.layers.5.mlp", "model.vision_tower.layers.5.mlp", "language_model.layers.1.mlp"]
    assert rewritten(MODELS["two towers"], path, {"modules_to_not_convert": listed}, [0, 1, 2, 1, 2, 3, 4, 5]) == {
        "modules_to_not_convert": [
            "model.vision_tower.layers.5.mlp",
            "language_model.layers.1.mlp",
            "language_model.layers.3.mlp",
            "model.language_model.layers.7.mlp",
        ]
    }


def test_a_block_inside_another_towers_part_is_left_alone() -> None:
    path, block = ("vision_config", "quantization_config"), {"ignore": ["layers.5.mlp", "re:.*layers\\.1\\..*"]}
    assert rewritten(MODELS["two towers"], path, block, [0, 1, 2, 1, 2, 3, 4, 5]) == block


def test_a_block_of_another_model_is_left_alone() -> None:
    config = {"talker_config": {"num_hidden_layers": 6, "quantization_config": {"ignore": ["model.layers.1.mlp"]}}}
    text = output_config(stack_of(MODELS["llama"].checkpoint({(key,): config[key] for key in config}), LAYERS)).text
    assert json.loads(text)["talker_config"] == config["talker_config"]


def test_an_expression_that_reaches_two_towers_still_means_the_same_in_both() -> None:
    listed = {"ignore": [r"re:.*layers\.2\.mlp.*"]}
    stack = stack_of(MODELS["two towers"].checkpoint({("quantization_config",): listed}), [0, 1, 2, 1, 2, 3, 4, 5])
    found = json.loads(output_config(stack).text)["quantization_config"]
    assert len(found["ignore"]) == 2
    assert disagreements(stack, listed, found) == []


def test_of_expressions_that_come_out_alike_the_first_one_counts() -> None:
    prefix = r"+:model\.language_model\.layers\."
    rules = {rf"{prefix}(?!0\.)\d+\.mlp.*": {"bits": 8}, r"+:.*layers\.1\.mlp.*": {"bits": 4}}
    stack = stack_of(MODELS["two towers"].checkpoint({("quantization_config",): {"dynamic": rules}}), [1])
    found = json.loads(output_config(stack).text)["quantization_config"]
    assert disagreements(stack, {"dynamic": rules}, found) == []


def test_an_expression_that_reaches_experts_of_that_number_still_does() -> None:
    listed = {"dynamic": {r"-:.*\.5\..*down.*": {}, r"+:.*\.2\..*": {"bits": 8}}}
    stack = stack_of(MODELS["experts"].checkpoint({("quantization_config",): listed}), [0, 1, 2, 1, 2, 3, 4, 5])
    found = json.loads(output_config(stack).text)["quantization_config"]
    assert disagreements(stack, listed, found) == []


@cases("key", ["quantized_layers", "extra_config"])
def test_settings_of_single_layers_follow_them_with_the_names_inside(key: str) -> None:
    block = {key: {"model.layers.5.mlp": {"bits": 8, "tensors": ["model.layers.5.mlp.up"]}, "lm_head": {"bits": 16}}}
    assert rewritten(MODELS["llama"], ("quantization_config",), block) == {
        key: {"model.layers.8.mlp": {"bits": 8, "tensors": ["model.layers.8.mlp.up"]}, "lm_head": {"bits": 16}}
    }


def test_targets_of_groups_follow_the_layers() -> None:
    block = {
        "config_groups": {"group_0": {"targets": ["Linear", "model.layers.5.mlp.down_proj"], "weights": {"bits": 4}}}
    }
    assert rewritten(MODELS["llama"], ("quantization_config",), block)["config_groups"]["group_0"] == {
        "targets": ["Linear", "model.layers.8.mlp.down_proj"],
        "weights": {"bits": 4},
    }


def test_entries_about_layers_that_were_dropped_go() -> None:
    block = {"ignore": ["model.layers.5.mlp", r"re:.*layers\.6\..*", "lm_head"], "dynamic": {r"-:.*\.6\..*": {}}}
    assert rewritten(MODELS["llama"], ("quantization_config",), block, [0, 1, 2]) == {
        "ignore": ["lm_head"],
        "dynamic": {},
    }


NUMBERED_OTHERWISE: tuple[dict[str, Any], ...] = (
    {"skip_layers": [0, 5]},
    {"layers_to_skip": [6]},
    {"layer_bits": [2, 3, 4, 5, 6, 7, 8]},
    {"layer_config": {"5": {"bits": 8}}},
    {"bits": {str(layer): 4 for layer in range(7)}},
    {"overrides": [{"layer": 5, "bits": 8}]},
    {"overrides": [{"layer_idx": 2, "bits": 8}]},
    {"ignore": ["model_layers_5_mlp"]},
    {"ignore": ["model/layers/5/mlp"]},
    {"ignore": ["model.layers[5].mlp"]},
    {"ignore": ["model.layers.0-2.mlp"]},
)


@cases("block", NUMBERED_OTHERWISE, ids=json.dumps)
def test_a_quantisation_block_that_numbers_layers_in_a_way_of_its_own_is_refused(block: Any) -> None:
    with pytest.raises(CheckpointError, match="not by the names of modules"):
        rewritten(MODELS["llama"], ("quantization_config",), block)
    beside = {"quant_config.json": json.dumps(block)}
    with pytest.raises(CheckpointError, match=r"quant_config\.json"):
        companions(stack_of(MODELS["llama"].checkpoint({}, beside), LAYERS))


@cases(
    "block",
    [
        {"bits": 4, "weight_block_size": [2, 7], "group_size": 5},
        {"layers": 7, "num_layers": 7},
        {"config_groups": {"group_0": {"num_bits": 4, "targets": ["Linear"]}}},
        {"vision_layers": [0, 1]},
    ],
    ids=json.dumps,
)
def test_a_quantisation_block_without_layer_numbers_stays(block: Any) -> None:
    assert rewritten(MODELS["llama"], ("quantization_config",), block) == block


def test_names_between_commas_follow_the_layers() -> None:
    block = {"to_quant_block_names": "model.layers.2,model.layers.5", "modes": "awq,gptq"}
    assert rewritten(MODELS["llama"], ("quantization_config",), block) == {
        "to_quant_block_names": "model.layers.2,model.layers.5,model.layers.8",
        "modes": "awq,gptq",
    }


@cases("prefix", ["_orig_mod.model.", "base_model.model.model.", "net.", "model.module."])
def test_entries_that_carry_a_wrappers_name_follow_the_layers(prefix: str) -> None:
    block = {"ignore": [f"{prefix}layers.5.mlp"]}
    assert rewritten(MODELS["llama"], ("quantization_config",), block) == {"ignore": [f"{prefix}layers.8.mlp"]}


@cases(
    ("block", "why"),
    [
        ({"ignore": ["re:.*layers\\.(2"]}, "not a regular expression"),
        ({"exit": "model.layers.2"}, "the stack needs 2"),
        ({"ignore": [r"re:(.*(.*\.)*)*2\.mlp"]}, "may never end"),
        ({"dynamic": {r"+:.*\.2\.(": {}}}, "not a regular expression"),
    ],
)
def test_what_cannot_follow_the_layers_is_refused_with_its_place(block: Any, why: str) -> None:
    with pytest.raises(CheckpointError, match="quantization_config") as caught:
        rewritten(MODELS["llama"], ("quantization_config",), block)
    assert why in str(caught.value)


def test_a_config_whose_own_keys_name_layers_is_refused() -> None:
    with pytest.raises(CheckpointError, match="its top-level keys name layers"):
        output_config(stack_of(MODELS["llama"].checkpoint({("model.layers.2",): 1}), LAYERS))


def test_each_layer_is_described_by_the_checkpoint_that_gives_it() -> None:
    path, names = ("quantization_config",), ["lm_head", "model.layers.1.mlp"]
    first = MODELS["llama"].checkpoint({path: {"bits": 8, "ignore": names}})
    second = MODELS["llama"].checkpoint({path: {"bits": 8, "ignore": ["lm_head", "model.layers.0.mlp"]}})
    visits = tuple(Visit.whole(checkpoint, layer, 0) for checkpoint in (first, second) for layer in (0, 1))
    stack = Stack(visits, Donor(first), Donor(second), first)
    assert json.loads(output_config(stack).text)["quantization_config"] == {
        "bits": 8,
        "ignore": ["lm_head", "model.layers.1.mlp", "model.layers.2.mlp"],
    }


@cases("other", [{"bits": 4, "ignore": ["lm_head"]}, {"bits": 8, "ignore": []}, None])
def test_checkpoints_that_are_quantised_differently_are_refused(other: Any) -> None:
    path = ("quantization_config",)
    first = MODELS["llama"].checkpoint({path: {"bits": 8, "ignore": ["lm_head"]}})
    second = MODELS["llama"].checkpoint({path: other} if other else {})
    for donor in (first, second):
        visits = tuple(Visit.whole(checkpoint, 0, 0) for checkpoint in (first, second))
        with pytest.raises(CheckpointError, match="quantised in the same way"):
            output_config(Stack(visits, Donor(first), Donor(second), donor))


def test_names_outside_quantisation_follow_too_and_ordinary_text_is_left_alone() -> None:
    config = {"_keys_to_ignore_on_load_unexpected": [r"model\.layers\.5.*"], "license": ["see layers.2 of the onion"]}
    blocks = {(key,): value for key, value in config.items()}
    text = output_config(stack_of(MODELS["llama"].checkpoint(blocks), LAYERS)).text
    assert json.loads(text) == {
        "num_hidden_layers": 10,
        "_keys_to_ignore_on_load_unexpected": [r"model\.layers\.8.*"],
        "license": ["see layers.2 of the onion"],
    }


def test_sentences_are_no_entries_and_a_lone_expression_is_one() -> None:
    block = {
        "dataset": ["(2) layers.2 are [not] 5 layers", "a|b 2"],
        "target": r".*layers\.2\.mlp.*",
        "exit": "model.layers.5",
    }
    assert rewritten(MODELS["llama"], ("quantization_config",), block) == {
        **block,
        "target": r".*layers\.(?:2|5)\.mlp.*",
        "exit": "model.layers.8",
    }


def test_every_other_byte_of_the_config_stays() -> None:
    block = {"bits":   8, "ignore": ["model.layers.5.mlp"]}  # fmt: skip
    checkpoint = MODELS["llama"].checkpoint({("quantization_config",): block})
    old, new = checkpoint.config.text, output_config(stack_of(checkpoint, LAYERS)).text
    assert new == old.replace("layers.5.mlp", "layers.8.mlp").replace(
        '"num_hidden_layers": 7', '"num_hidden_layers": 10'
    )
