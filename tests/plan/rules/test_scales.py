"""What scales do beside what was meant is said."""

import pytest

from engine.plan.check import check_plan
from engine.plan.problems import Severity
from engine.plan.rules import CheckContext, Device, Facts, size
from engine.plan.rules.facts import Inertness
from engine.plan.syntax import parse
from tests.cases import cases
from tests.plan.rules.conftest import INERT, plan_of
from tests.tiny import llama_shapes, write_llama, write_weights


def test_a_copy_with_only_one_projection_zeroed_is_not_inert(workbench):
    checked = workbench.check(("32", 0, 32), ("32", 31, 32, "[{filter: o_proj, value: 0.0}]"))
    problem = next(problem for problem in checked.problems if problem.rule == "not-inert")
    assert "mlp.down_proj.weight still writes" in problem.message
    assert problem.fix == "Add to its scale: {filter: down_proj, value: 0.0}."


def test_a_bias_that_a_filter_misses_is_named(workbench, tmp_path):
    path = write_llama(tmp_path / "biased", layers=4)
    shapes = llama_shapes(4, 8, 16, 16, tied=False)
    biased = {f"model.layers.{n}.self_attn.o_proj.bias": (8,) for n in range(4)}
    write_weights(path, shapes | biased)
    workbench.add("biased", path)
    weights = "[{filter: o_proj.weight, value: 0}, {filter: down_proj, value: 0}]"
    found = workbench.found(("biased", 0, 4), ("biased", 2, 3, weights))
    assert "self_attn.o_proj.bias still writes" in found["not-inert"]


def test_an_inert_copy_and_a_damped_one_are_not_told_so(workbench):
    assert workbench.found(("32", 0, 32), ("32", 31, 32, INERT)) == {}
    damped = "[{filter: o_proj, value: 0.5}, {filter: down_proj, value: 0.5}]"
    assert "not-inert" not in workbench.found(("32", 0, 20), ("32", 12, 20, damped), ("32", 20, 32))


def test_a_layer_that_stands_once_may_lose_its_attention(workbench):
    ablated = "[{filter: o_proj, value: 0}]"
    assert workbench.found(("32", 0, 15), ("32", 15, 16, ablated), ("32", 16, 32)) == {}


def test_zeroed_projections_before_norms_make_an_inert_copy(workbench, tmp_path):
    path = write_llama(tmp_path / "gemma", layers=6, tied=True, config={"model_type": "gemma2"})
    norms = ("pre_feedforward_layernorm", "post_feedforward_layernorm")
    shapes = {f"model.layers.{n}.{norm}.weight": (8,) for n in range(6) for norm in norms}
    write_weights(path, llama_shapes(6, 8, 16, 16, tied=True) | shapes)
    workbench.add("gemma", path)
    zero = "[{filter: o_proj, value: 0}, {filter: down_proj, value: 0}]"
    found = workbench.found(("gemma", 0, 6), ("gemma", 4, 6, zero))
    assert "not-inert" not in found
    assert "edge-layers" not in found


@cases(("span", "fires"), [((7, 8), True), ((7, 9), False)])
def test_a_gradient_over_one_layer_is_its_last_number(workbench, span, fires):
    found = workbench.found(("32", 0, 8), ("32", *span, "[{filter: o_proj, value: [0.25, 0.5]}]"), ("32", 8, 32))
    assert ("gradient" in found) is fires
    assert (
        not fires
        or found["gradient"] == "the gradient [0.25, 0.5] over the single layer of [7, 8] is just its last number: 0.5"
    )


def test_a_global_gradient_is_named_once(workbench):
    top = {"parameters": "{scale: [{filter: o_proj, value: [0.5, 1]}]}"}
    checked = workbench.check(("32", 0, 1), ("32", 1, 2), ("32", 2, 32), **top)
    assert [problem.rule for problem in checked.problems] == ["gradient"]


def sizes(workbench, context):
    parsed = parse(plan_of(("32", 0, 32)))
    return [problem.message for problem in size.check(Facts(parsed.plan, {"32": workbench.open("32")}, context))]


def test_a_model_larger_than_the_disk_or_the_device_is_told_by_how_much(workbench):
    nbytes = workbench.open("32").nbytes
    assert sizes(workbench, CheckContext(free_disk=nbytes, device=Device("cuda:0", nbytes))) == []
    (disk, device) = sizes(workbench, CheckContext(free_disk=nbytes - 1, device=Device("cuda:0", 0)))
    assert "the disk has" in disk
    assert "cuda:0 has 0 B of memory" in device


def test_without_knowing_disk_and_device_nothing_is_said(workbench):
    assert sizes(workbench, CheckContext()) == []


def test_a_silenced_copy_that_a_trial_found_to_act_is_named_with_the_reason(workbench):
    context = CheckContext(inertness=lambda checkpoint: Inertness(f"{checkpoint.config.model_type} rotates the stream"))
    checked = check_plan(plan_of(("32", 0, 32), ("32", 31, 32, INERT)), workbench.open, context)
    (problem,) = [each for each in checked.problems if each.rule == "not-inert"]
    assert problem.message == "this copy of layer 31 is not inert: llama rotates the stream"


def test_a_silenced_copy_whose_trial_took_too_long_is_a_note_with_the_reason(workbench):
    context = CheckContext(inertness=lambda _: Inertness(unknown="the trial took more than 60 s"))
    checked = check_plan(plan_of(("32", 0, 32), ("32", 31, 32, INERT)), workbench.open, context)
    (problem,) = [each for each in checked.problems if each.rule == "not-inert"]
    assert problem.severity is Severity.NOTE
    assert problem.message.endswith("is inert: the trial took more than 60 s")


@pytest.mark.parametrize(("count", "fires"), [(2, True), (0, False)])
def test_identity_experts_make_no_copy_inert(workbench, tmp_path, count, fires):
    config = {"model_type": "longcat_flash", "zero_expert_num": count}
    name = f"longcat{count}"
    workbench.add(name, write_llama(tmp_path / name, layers=32, config=config))
    found = workbench.found((name, 0, 32), (name, 31, 32, INERT))
    assert ("not-inert" in found) is fires
    assert not fires or "experts that pass the stream on as it is (`zero_expert_num`)" in found["not-inert"]
