"""blocks and singles: every block once for each scale, each a plan that can be merged."""

import pytest

from engine.checkpoint.find import opener
from engine.errors import CheckpointError, UsageError
from engine.plan.check import check_plan
from engine.plan.outputs import layer_scalings
from engine.plan.recipes import repeat
from engine.plan.spaces import blocks, singles
from tests.cases import cases
from tests.tiny import write_llama


def stack_of(plan):
    checked = check_plan(plan.text, opener())
    assert checked.ok, checked.problems
    return checked.stack


def test_there_are_212_blocks_of_up_to_8_of_30_layers(model_of):
    found = blocks.plans(model_of(30), blocks.Options(width=8))
    assert len(found) == len({plan.block for plan in found}) == len({plan.name for plan in found}) == 212
    assert {end - start for start, end in (plan.block for plan in found)} == set(range(1, 9))


def test_each_plan_visits_its_block_again_right_after_itself(model_of):
    for plan in blocks.plans(model_of(6), blocks.Options(width=6)):
        start, end = plan.block
        assert [visit.layer for visit in stack_of(plan).visits] == [*range(end), *range(start, 6)]


def test_a_plan_stacks_what_the_recipe_repeat_stacks(model_of):
    (plan,) = (plan for plan in blocks.plans(model_of(8), blocks.Options()) if plan.name == "2:5")
    written = check_plan(repeat.write(model_of(8), repeat.Options((2, 5))), opener()).stack
    assert [visit.layer for visit in stack_of(plan).visits] == [visit.layer for visit in written.visits]


def test_a_scale_is_on_all_that_the_repeated_visit_writes_and_on_nothing_else(model_of):
    (plan,) = (plan for plan in blocks.plans(model_of(6), blocks.Options(2, (1.0, 0.5))) if plan.name == "2:4 x0.5")
    stack = stack_of(plan)
    scaled = [{scaling.factor for scaling in layer_scalings(visit).values()} for visit in stack.visits]
    assert plan.scale == 0.5
    assert [visit.layer for visit in stack.visits] == [0, 1, 2, 3, 2, 3, 4, 5]
    assert scaled == [set()] * 4 + [{0.5}] * 2 + [set()] * 2


def test_a_scale_that_is_asked_for_twice_is_tried_once(model_of):
    assert len(singles.plans(model_of(5), singles.Options((1.0, 0.7, 1.0)))) == 10


def test_singles_are_the_blocks_of_one_layer(model_of):
    assert singles.plans(model_of(7), singles.Options()) == blocks.plans(model_of(7), blocks.Options(width=1))


@cases("width", [0, 7])
def test_a_width_that_no_block_has_is_refused(model_of, width):
    with pytest.raises(UsageError, match="has 6"):
        blocks.plans(model_of(6), blocks.Options(width=width))


@cases("scale", [float("nan"), float("inf")])
def test_what_scales_nothing_is_refused(model_of, scale):
    with pytest.raises(UsageError, match="cannot be scaled"):
        blocks.plans(model_of(6), blocks.Options(scales=(scale,), width=1))


def test_a_family_that_cannot_be_scaled_is_refused_only_when_it_would_be(tmp_path):
    model = opener()(str(write_llama(tmp_path / "m", config={"swin_norm": True})))
    assert len(singles.plans(model, singles.Options())) == 6
    with pytest.raises(CheckpointError, match="swin_norm"):
        singles.plans(model, singles.Options((0.5,)))
