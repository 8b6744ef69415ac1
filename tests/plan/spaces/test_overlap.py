"""overlap: the grid that froggeric searched by hand, and what of it fits."""

import pytest

from engine.checkpoint.find import opener
from engine.errors import UsageError
from engine.plan.check import check_plan
from engine.plan.outputs import layer_scalings
from engine.plan.recipes import overlap as recipe
from engine.plan.spaces import overlap

pytestmark = pytest.mark.slow


def stack_of(text):
    checked = check_plan(text, opener())
    assert checked.ok, checked.problems
    return checked.stack


def layers_of(text):
    return [visit.layer for visit in stack_of(text).visits]


def test_the_winner_of_the_hand_search_is_in_the_grid(model_of):
    grid = [layers_of(plan.text) for plan in overlap.plans(model_of(32), overlap.Options())]
    assert layers_of(recipe.write(model_of(32), recipe.Options())) in grid


@pytest.mark.parametrize("depth", [6, 12, 30, pytest.param(80, marks=pytest.mark.stress)])
def test_no_two_plans_of_the_grid_are_the_same_and_each_grows_the_model(model_of, depth):
    grid = [tuple(layers_of(plan.text)) for plan in overlap.plans(model_of(depth), overlap.Options())]
    assert len(grid) == len(set(grid))
    assert all(len(layers) > depth and set(layers) == set(range(depth)) for layers in grid)


def test_a_given_side_of_the_grid_is_taken_at_its_word(model_of):
    found = overlap.plans(model_of(32), overlap.Options((8, 9), (4,), (12,)))
    assert [plan.name for plan in found] == ["slice=8 jump=4 last=12", "slice=9 jump=4 last=12"]


def test_what_is_visited_again_is_scaled(model_of):
    (plan,) = overlap.plans(model_of(12), overlap.Options((5,), (2,), (6,), scales=(0.7,)))
    stack = stack_of(plan.text)
    for visit in stack.visits:
        factors = {scaling.factor for scaling in layer_scalings(visit).values()}
        assert factors == ({0.7} if visit.repeat else set())


def test_shapes_that_do_not_fit_are_left_out_and_nothing_is_an_error(model_of):
    assert len(overlap.plans(model_of(12), overlap.Options((5, 99), (2,), (6,)))) == 1
    with pytest.raises(UsageError, match="12 layers"):
        overlap.plans(model_of(12), overlap.Options((99,)))
