"""What the rules make of sources, and of what transformers says of them. No transformers is asked here."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from engine.checkpoint.checkpoint import Checkpoint, open_checkpoint
from engine.checkpoint.load_check import LoadCheck
from engine.plan.check import CheckedPlan, check_plan
from engine.plan.problems import Problem
from engine.plan.rules import UNKNOWN, CheckContext
from engine.plan.source_defects import Opened
from tests.plan.rules.conftest import plan_of
from tests.tiny import Shapes, llama_shapes, write_llama, write_weights

SHAPES = llama_shapes(4, 8, 16, 16, tied=False)
WHOLE, GROWN = [("M", 0, 4)], [("M", 0, 3), ("M", 1, 4)]


def source(directory: Path, more: Shapes = {}, config: Mapping[str, Any] = {}) -> Checkpoint:  # noqa: B006
    """A llama of 4 layers with more tensors than usual."""
    write_llama(directory, layers=4, config=config)
    write_weights(directory, {**SHAPES, **more})
    return open_checkpoint(directory, "M")


def checked(checkpoint: Checkpoint, slices: list[tuple], context: CheckContext = UNKNOWN) -> CheckedPlan:
    return check_plan(plan_of(*slices), lambda _: checkpoint, context)


def of_rule(rule: str, found: CheckedPlan) -> list[Problem]:
    return [problem for problem in found.problems if problem.rule == rule]


def opening(source: LoadCheck, result: LoadCheck | None = None) -> CheckContext:
    """Of which transformers says so much."""
    return CheckContext(opened=lambda stack: Opened({stack.config_donor: source}, result))


def test_parts_for_each_layer_in_one_tensor_fit_no_other_stack(tmp_path: Path) -> None:
    packed = {"model.embed_tokens_per_layer.weight": (16, 4 * 2), "model.per_layer_model_projection.weight": (4 * 2, 8)}
    checkpoint = source(tmp_path, packed, {"hidden_size_per_layer_input": 2})
    (problem,) = of_rule("packed-layers", checked(checkpoint, GROWN))
    assert problem.severity == "error"
    assert "contains a part for each of its 4 layers" in problem.message
    assert of_rule("packed-layers", checked(checkpoint, [("M", 0, 2), ("M", 1, 3)]))  # as deep, other layers
    assert not of_rule("packed-layers", checked(checkpoint, WHOLE))


@pytest.mark.parametrize(
    "more", [{"model.resid_lambdas": (4,)}, {"model.gains": (4, 8)}, {f"model.mixes.{n}": (8,) for n in range(4)}]
)
def test_what_seems_to_hold_a_part_for_each_layer_is_said(tmp_path: Path, more: Shapes) -> None:
    checkpoint = source(tmp_path, more)
    (problem,) = of_rule("packed-layers", checked(checkpoint, GROWN))
    assert problem.severity == "warning"
    assert not of_rule("packed-layers", checked(checkpoint, WHOLE))


LORA = {
    "model.layers.0.self_attn.q_proj.lora_A.weight": (2, 8),
    "model.layers.0.self_attn.q_proj.lora_B.weight": (8, 2),
}
BASE = {"model.layers.0.self_attn.q_proj.base_layer.weight": (8, 8)}


@pytest.mark.parametrize(
    "suffix",
    ["lora_E", "oft_r.default", "boft_R.default", "vera_A", "lokr_t2", "road_theta", "shira_weight", "adaption_gate"],
)
def test_adapters_of_every_kind_are_found(tmp_path: Path, suffix: str) -> None:
    more = {f"model.layers.0.self_attn.q_proj.{suffix}": (2,)}
    assert of_rule("adapters", checked(source(tmp_path, more), WHOLE))


@pytest.mark.parametrize(("more", "severity"), [(LORA, "warning"), (LORA | BASE, "error")])
def test_an_adapter_that_was_not_merged_is_found(tmp_path: Path, more: Shapes, severity: str) -> None:
    (problem,) = of_rule("adapters", checked(source(tmp_path, more), WHOLE))
    assert problem.severity == severity
    assert "merge_and_unload" in problem.fix


def test_what_a_class_has_under_an_adapters_names_is_none(tmp_path: Path) -> None:
    found = checked(source(tmp_path, LORA | BASE), WHOLE, opening(LoadCheck(architecture="LlamaForCausalLM")))
    assert not of_rule("adapters", found)


@pytest.mark.parametrize(
    ("config", "severities"),
    [
        ({"layer_types": ["full_attention"] * 4}, []),
        ({"layer_types": ["full_attention"] * 6}, ["error"]),
        ({"layer_types": ["full_attention"] * 6, "num_nextn_predict_layers": 2}, []),
        ({"layer_types": ["full_attention"] * 6, "model_type": "brandnew"}, ["warning"]),
        ({"swiglu_limits": [7.0] * 6}, ["warning"]),
    ],
)
def test_a_list_longer_than_the_model_is_deep(tmp_path: Path, config: dict[str, Any], severities: list[str]) -> None:
    found = of_rule("list-lengths", checked(source(tmp_path, config=config), WHOLE))
    assert [problem.severity for problem in found] == severities


LOSS = LoadCheck(missing=("model.layers.3.mlp.up_proj.weight",), architecture="Llama", decoder="model.layers.")


@pytest.mark.parametrize(
    ("said", "config", "severity"),
    [
        (LOSS, {}, "error"),
        (LOSS, {"quantization_config": {"quant_method": "modelopt"}}, "warning"),
        (LoadCheck(unexpected=("v_head.weight",)), {}, "note"),
        (LoadCheck(differences=("the config is refused",)), {}, "error"),
    ],
)
def test_what_transformers_says_of_a_source(
    tmp_path: Path, said: LoadCheck, config: dict[str, Any], severity: str
) -> None:
    (problem,) = of_rule("loads", checked(source(tmp_path, config=config), WHOLE, opening(said)))
    assert problem.severity == severity
    assert problem.place is not None


@pytest.mark.parametrize("said", [LoadCheck(), LOSS])
def test_nothing_is_said_where_nothing_is_wrong_or_taken(tmp_path: Path, said: LoadCheck) -> None:
    assert not of_rule("loads", checked(source(tmp_path), [("M", 0, 3)], opening(said)))


def test_a_source_that_could_not_be_opened_is_a_note_with_the_reason(tmp_path: Path) -> None:
    said = opening(LoadCheck(unavailable="no torch"))
    (problem,) = of_rule("loads", checked(source(tmp_path), WHOLE, said))
    assert (problem.severity, problem.message) == (
        "note",
        "transformers has not opened M: no torch; only names and shapes are checked",
    )


def test_a_source_that_is_refused_is_no_error_where_the_result_opens(tmp_path: Path) -> None:
    refused = LoadCheck(differences=("a list is too long",))
    (problem,) = of_rule("loads", checked(source(tmp_path), GROWN, opening(refused, LoadCheck())))
    assert problem.severity == "note"


def test_what_only_the_result_fails_in_is_an_error_of_the_whole_plan(tmp_path: Path) -> None:
    result = LoadCheck(mismatched=("model.per_layer.weight: (16, 8) in the file, (16, 12) in the model",))
    (problem,) = of_rule("loads", checked(source(tmp_path), GROWN, opening(LoadCheck(), result)))
    assert (problem.severity, problem.place) == ("error", None)
    assert "(16, 12) in the model" in problem.message
