"""The tasks diff and origin: pairings, the store, and one clear message for what cannot be compared."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

import dlec
from engine.errors import CheckpointError, DlecError, PlanError, UsageError
from engine.protocol import no_report
from engine.tasks import diff, origin
from tests.comparison.weights import base, changed, rewrite, tensors_in, trained

PLAN = """merge_method: passthrough
slices:
  - sources: [{{model: {model}, layer_range: [0, 4]}}]
  - sources:
      - model: {model}
        layer_range: [2, 6]
        parameters: {{scale: [{{filter: o_proj, value: 0.0}}, {{filter: down_proj, value: 0.5}}, {{value: 1.0}}]}}
"""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return base(tmp_path / "M")


@pytest.fixture
def stack(model: Path, tmp_path: Path) -> Path:
    dlec.merge(PLAN.format(model=model), tmp_path / "stack", load_check=False)
    return tmp_path / "stack"


def run(a: Path | str, b: Path | str, tmp_path: Path, **options: Any) -> dict[str, Any]:
    return diff.run({"a": str(a), "b": str(b), "home": str(tmp_path / "home"), **options}, no_report)


def by_name(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {pair["name"]: pair for pair in answer["pairs"]}


def test_a_merged_stack_differs_from_its_plan_by_nothing(model: Path, stack: Path, tmp_path: Path) -> None:
    answer = run(model, stack, tmp_path)
    assert (answer["pair"], answer["reason"]) == ("plan", "mergekit_config.yml says that B was made of A")
    assert (answer["layers"], answer["unpaired"], answer["notes"]) == (8, [], [])
    assert {(pair["relative"], pair["identical"], pair["max"]) for pair in answer["pairs"]} == {(0.0, 1.0, 0.0)}
    pairs = by_name(answer)
    assert len(pairs) == len(tensors_in(stack))
    zeroed, halved = pairs["model.layers.5.self_attn.o_proj.weight"], pairs["model.layers.5.mlp.down_proj.weight"]
    assert (zeroed["factor"], zeroed["fit"], zeroed["base_layer"], zeroed["group"]) == (0.0, 0.0, 3, "first copies")
    assert (halved["factor"], halved["fit"]) == (0.5, pytest.approx(0.5, abs=1e-3))
    assert zeroed["base_name"] == "model.layers.3.self_attn.o_proj.weight"


def test_a_trained_stack_is_measured_against_its_sources(model: Path, stack: Path, tmp_path: Path) -> None:
    moved = trained(stack, tmp_path / "trained", 0.01)
    answer = run(model, moved, tmp_path)
    assert answer["pair"] == "plan"
    assert all(0 < pair["relative"] < 0.1 for pair in answer["pairs"])
    position = run(stack, moved, tmp_path, pair="position")
    assert {pair["group"] for pair in position["pairs"]} == {"originals", "first copies", "single layers", ""}
    copies = run(model, moved, tmp_path, pair="copies")
    assert {(pair["base_layer"], pair["layer"]) for pair in copies["pairs"]} == {(2, 4), (3, 5)}


def test_two_checkpoints_of_one_depth_are_compared_by_position(model: Path, tmp_path: Path) -> None:
    other = trained(model, tmp_path / "other", 0.1)
    answer = run(model, other, tmp_path)
    assert (answer["pair"], answer["reason"]) == ("position", "both have 6 layers")
    assert all(pair["base_layer"] == pair["layer"] for pair in answer["pairs"])


def test_a_stack_without_a_record_is_paired_by_its_weights(model: Path, stack: Path, tmp_path: Path) -> None:
    for file in ("mergekit_config.yml", "dlec_manifest.json"):
        (stack / file).unlink()
    answer = run(model, trained(stack, tmp_path / "trained", 0.05), tmp_path)
    assert (answer["pair"], answer["reason"]) == (
        "plan",
        "A has 6 layers, B has 8; its weights say what it was made of",
    )
    assert {pair["base_layer"] for pair in answer["pairs"] if pair["layer"] in (4, 5)} == {2, 3}


def test_a_plan_is_compared_without_being_merged(model: Path, stack: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text(PLAN.format(model=model))
    by_plan = run(model, plan, tmp_path)
    assert (by_plan["pair"], by_plan["layers"]) == ("plan", 8)
    against = run(plan, trained(stack, tmp_path / "trained", 0.01), tmp_path)
    assert against["pair"] == "position"
    assert by_name(against)["model.layers.5.self_attn.o_proj.weight"]["factor"] == 0.0
    with pytest.raises(UsageError, match=r"plan.yaml cannot be the base: it is a plan"):
        run(plan, stack, tmp_path, pair="copies")


def test_a_plan_for_b_can_be_given(model: Path, stack: Path, tmp_path: Path) -> None:
    (stack / "mergekit_config.yml").unlink()
    plan = tmp_path / "p.yaml"
    plan.write_text(PLAN.format(model=model))
    assert run(model, stack, tmp_path, plan=str(plan))["reason"] == "p.yaml says that B was made of A"


def test_a_base_that_has_changed_since_the_merge_is_noted(model: Path, stack: Path, tmp_path: Path) -> None:
    rewrite(model, {name: tensor * 2 for name, tensor in tensors_in(model).items()})
    [note] = run(model, stack, tmp_path, pair="plan")["notes"]
    assert note == f"{model} has changed since mergekit_config.yml was written"


def test_a_comparison_is_stored_and_found_again_until_a_file_changes(model: Path, tmp_path: Path) -> None:
    other = changed(model, tmp_path / "other", {})
    first, second = run(model, other, tmp_path), run(model, other, tmp_path)
    assert (first["stored"], second["stored"]) == (False, True)
    assert json.loads(json.dumps(second["pairs"])) == json.loads(json.dumps(first["pairs"]))
    tensors = tensors_in(other)
    tensors["model.layers.3.mlp.up_proj.weight"][0, 0] += 8
    rewrite(other, tensors)
    os.utime(other / "model.safetensors", ns=(1, 1))
    third = run(model, other, tmp_path)
    assert third["stored"] is False
    assert by_name(third)["model.layers.3.mlp.up_proj.weight"]["max"] == pytest.approx(8, rel=1e-2)


def test_the_spectrum_comes_on_request(model: Path, tmp_path: Path) -> None:
    other = trained(model, tmp_path / "other", 0.1)
    assert {pair["stable_rank"] for pair in run(model, other, tmp_path)["pairs"]} == {None}
    pairs = by_name(run(model, other, tmp_path, spectrum=True))
    assert 1 < pairs["model.layers.0.mlp.up_proj.weight"]["stable_rank"] < 32
    assert len(pairs["model.layers.0.mlp.up_proj.weight"]["energy"]) == 8


def test_nan_is_counted_and_json_stays_json(model: Path, tmp_path: Path) -> None:
    name = "model.layers.0.mlp.up_proj.weight"
    tensor = tensors_in(model)[name]
    tensor[0, 0] = float("nan")
    other = changed(model, tmp_path / "other", {name: tensor})
    answer = run(model, other, tmp_path)
    assert by_name(answer)[name]["not_finite"] == 1
    json.dumps(answer, allow_nan=False)


def broken(kind: str, model: Path, tmp_path: Path) -> Path:
    other = tmp_path / "other"
    shutil.copytree(model, other)
    if kind == "truncated":
        with (other / "model.safetensors").open("r+b") as file:
            file.truncate(3000)
    if kind == "family":
        shutil.rmtree(other)
        return base(tmp_path / "wider", hidden=48)
    if kind == "missing":
        shutil.rmtree(other)
    if kind == "plan":
        other = tmp_path / "plan.yaml"
        other.write_text("merge_method: passthrough\nslices: []\n")
    return other


@pytest.mark.parametrize(
    ("kind", "error", "message"),
    [
        ("truncated", CheckpointError, "model.safetensors"),
        ("family", CheckpointError, "cannot be compared: no tensor has a counterpart of its shape: .* 6 layers, .*"),
        ("missing", DlecError, "other does not exist"),
        ("plan", PlanError, "plan.yaml cannot be run"),
    ],
)
def test_what_cannot_be_compared_is_one_clear_message(
    model: Path, tmp_path: Path, kind: str, error: type[DlecError], message: str
) -> None:
    with pytest.raises(error, match=message):
        run(model, broken(kind, model, tmp_path), tmp_path)


def test_a_hub_id_that_is_missing_is_named_with_the_way_to_get_it(model: Path, tmp_path: Path) -> None:
    with pytest.raises(DlecError, match=r"org/absent is neither a directory here nor in the hub cache") as error:
        run(model, "org/absent", tmp_path)
    assert "dlec download org/absent" in error.value.fix


# Origin


def test_the_answer_of_origin_has_a_plan_and_evidence_for_each_layer(model: Path, stack: Path) -> None:
    answer = origin.run({"model": str(stack), "bases": [str(model)]}, no_report)
    assert (answer["exact"], answer["changed"], answer["unexplained"]) == (True, [], [])
    assert [layer["base_layer"] for layer in answer["layers"]] == [0, 1, 2, 3, 2, 3, 4, 5]
    assert answer["layers"][4] == {
        "layer": 4,
        "model": str(model),
        "base_layer": 2,
        "scales": {"mlp.down_proj.weight": 0.5, "self_attn.o_proj.weight": 0.0},
        "evidence": "identical",
        "cosine": pytest.approx(1.0, abs=1e-4),
        "margin": pytest.approx(1.0, abs=0.4),
        "changed": [],
    }
    assert dlec.check(answer["plan"]).ok


def test_a_model_that_is_no_stack_has_no_plan(model: Path, tmp_path: Path) -> None:
    answer = origin.run({"model": str(base(tmp_path / "other", seed=7)), "bases": [str(model)]}, no_report)
    assert answer["plan"] is None
    assert {layer["model"] for layer in answer["layers"]} == {None}


def test_origin_needs_a_base(model: Path) -> None:
    with pytest.raises(UsageError, match="there is no base"):
        origin.run({"model": str(model), "bases": []}, no_report)


def test_a_real_difference_is_the_one_that_was_planted(model: Path, tmp_path: Path) -> None:
    for dtype in (torch.float32, torch.bfloat16, torch.float16):
        tensors = {name: tensor.to(dtype) for name, tensor in tensors_in(model).items()}
        one, other = (tmp_path / f"{name}-{dtype}" for name in ("one", "other"))
        for directory in (one, other):
            shutil.copytree(model, directory)
        rewrite(one, tensors)
        planted = dict(tensors)
        name = "model.layers.2.self_attn.k_proj.weight"
        planted[name] = tensors[name].clone()
        planted[name][3, 5] = 0.5
        rewrite(other, planted)
        [found] = [pair for pair in run(one, other, tmp_path)["pairs"] if pair["identical"] < 1]
        assert (found["name"], found["max"]) == (name, pytest.approx(abs(0.5 - float(tensors[name][3, 5]))))
        assert found["rms"] == pytest.approx(found["max"] / 32)
