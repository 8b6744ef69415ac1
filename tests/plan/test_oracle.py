"""The cases that were run through mergekit itself (references: mergekit.md, section 7): what a plan means there, it
means here. A and B are llamas of four layers."""

import pytest
import torch
from safetensors.torch import load_file

from engine.plan.outputs import output_tensors
from engine.tasks.merge import MergeOptions, merge
from tests.cases import cases
from tests.plan.plans import checked_plan, donors, layer_map, plan_of, stack_of, write_models, written_factor


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    variants = {"A": {}, "B": {}, "BF16": {"dtype": "BF16"}, "VOCAB64": {"vocab": 64}}
    return write_models(tmp_path_factory.mktemp("models"), variants)


def factors(models, text):
    """New name to factor, for the tensors that are scaled."""
    tensors = output_tensors(stack_of(models, text))
    return {tensor.name: factor for tensor in tensors if (factor := written_factor(tensor)) is not None}


def rules_of(models, text):
    return {problem.rule for problem in checked_plan(models, text).problems}


@cases(
    ("slices", "layers", "given_by"),
    [
        ([("A", 0, 3), ("A", 1, 4)], "A0 A1 A2 A1 A2 A3", "AAA"),
        ([("A", 0, 3), ("B", 1, 4)], "A0 A1 A2 B1 B2 B3", "ABA"),
        ([("A", 0, 4), ("B", 0, 0)], "A0 A1 A2 A3", "ABA"),
        ([("A", 0, 2), ("A", 2, 2), ("A", 2, 4)], "A0 A1 A2 A3", "AAA"),
    ],
)
def test_1_to_3_layers_and_donors(models, slices, layers, given_by):
    stack = stack_of(models, plan_of(*slices))
    assert layer_map(models, stack) == layers
    assert donors(models, stack) == given_by


def test_4_levels_fall_through(models):
    text = plan_of(("A", 0, 4, "[{filter: o_proj, value: 0}]"), parameters="{scale: [{filter: down_proj, value: 0.5}]}")
    found = factors(models, text)
    assert found == {
        **{f"model.layers.{layer}.self_attn.o_proj.weight": 0.0 for layer in range(4)},
        **{f"model.layers.{layer}.mlp.down_proj.weight": 0.5 for layer in range(4)},
    }


@cases("scale", ["[{value: 1}, {filter: o_proj, value: 0}]", '[{filter: "o_proj|down_proj", value: 0}]'])
def test_5_and_6_an_entry_that_reaches_nothing_scales_nothing_and_is_told(models, scale):
    text = plan_of(("A", 0, 4, scale))
    assert factors(models, text) == {}
    assert "filters" in rules_of(models, text)


@cases(
    ("text", "ends"),
    [
        (plan_of(("A", 0, 2, "0.5"), ("A", 2, 4)), ["model.embed_tokens.weight"]),
        (plan_of(("A", 0, 2), ("A", 2, 4, "0.5")), ["model.norm.weight", "lm_head.weight"]),
        (
            plan_of(("A", 0, 4), parameters="{scale: 0.5}"),
            ["model.embed_tokens.weight", "model.norm.weight", "lm_head.weight"],
        ),
    ],
)
def test_7_an_unfiltered_scale_reaches_the_ends_and_is_told(models, text, ends):
    assert [name for name in factors(models, text) if ".layers." not in name] == ends
    assert "scale-reach" in rules_of(models, text)


def test_8_a_gradient_runs_over_the_slice(models):
    found = factors(models, plan_of(("A", 0, 4, "[{filter: o_proj, value: [0, 1]}]")))
    assert list(found.values()) == pytest.approx([0, 1 / 3, 2 / 3])  # the last factor is 1: nothing to do
    alone = factors(models, plan_of(("A", 0, 3), ("A", 3, 4, "[{filter: o_proj, value: [0, 0.25]}]")))
    assert list(alone.values()) == [0.25]


def test_9_a_filter_sees_the_source_layer(models):
    found = factors(models, plan_of(("A", 1, 4, "[{filter: layers.2., value: 0}]")))
    assert {name.split(".")[2] for name in found} == {"1"}


def test_10_anchors_merge_keys_and_repeated_holders_are_read(models):
    text = """\
const_tag: &MODEL A
const_tag: &zero {scale: [{filter: o_proj, value: 0.0}]}
env: &env
  parameters: *zero
merge_method: passthrough
slices:
- sources: [{model: *MODEL, layer_range: [0, 4]}]
- sources:
  - <<: *env
    model: *MODEL
    layer_range: [3, 4]
"""
    assert layer_map(models, stack_of(models, text)) == "A0 A1 A2 A3 A3"
    assert list(factors(models, text)) == ["model.layers.4.self_attn.o_proj.weight"]


def test_11_dtypes_round_trip_and_without_one_each_keeps_its_own(models):
    there_and_back = plan_of(("BF16", 0, 4), dtype="float32", out_dtype="bfloat16")
    assert all(tensor.is_copy for tensor in output_tensors(stack_of(models, there_and_back)))
    mixed = output_tensors(stack_of(models, plan_of(("A", 0, 2), ("BF16", 2, 4))))
    assert {tensor.dtype for tensor in mixed} == {"F32", "BF16"}
    assert "dtypes" in rules_of(models, plan_of(("A", 0, 2), ("BF16", 2, 4)))


def test_12_base_model_gives_config_and_tokenizer_alone(models):
    assert donors(models, stack_of(models, plan_of(("A", 0, 4), base_model="B"))) == "AAB"


@cases(("multiple", "is_granted"), [(16, True), (64, True), (48, False)])
def test_13_rows_are_not_made_up(models, multiple, is_granted):
    """mergekit pads 64 rows to 96; dlec has no rows to add, and says so."""
    checked = checked_plan(
        models, plan_of(("VOCAB64", 0, 4), tokenizer=f"{{source: base, pad_to_multiple_of: {multiple}}}")
    )
    assert checked.ok is is_granted
    assert is_granted or "32 would have to be added" in checked.problems[0].message


def test_a_merge_has_the_signs_and_roundings_of_torch(models, tmp_path):
    """Case 8 in bfloat16: factors 0, 1/3, 2/3, 1 times the tensor, rounded once."""
    stack = stack_of(models, plan_of(("BF16", 0, 4, "[{filter: o_proj, value: [0, 1]}]")))
    merge(stack, "plan", tmp_path / "out", MergeOptions(load_check=False))
    before = load_file(f"{models['BF16']}/model.safetensors")
    after = load_file(tmp_path / "out/model.safetensors")
    for layer in range(4):
        name = f"model.layers.{layer}.self_attn.o_proj.weight"
        assert torch.equal(after[name], before[name] * (layer / 3))
