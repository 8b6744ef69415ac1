"""recipes: every combination of the values that a recipe's options are given."""

import pytest

from engine.errors import UsageError
from engine.plan.recipes.registry import RECIPES
from engine.plan.spaces import recipes
from tests.cases import cases

REPEAT, PRUNE = RECIPES["repeat"], RECIPES["prune"]


def test_every_combination_is_what_the_recipe_writes(model_of):
    found = recipes.plans(model_of(12), REPEAT, {"layers": [(2, 4), (5, 9)], "times": [1, 2]})
    assert [plan.name for plan in found] == [
        *("layers=2:4 times=1", "layers=2:4 times=2"),
        *("layers=5:9 times=1", "layers=5:9 times=2"),
    ]
    assert found[3].text == REPEAT.write(model_of(12), REPEAT.options((5, 9), 2))


def test_what_the_recipe_refuses_is_left_out(model_of):
    assert len(recipes.plans(model_of(6), REPEAT, {"layers": [(2, 4), (5, 9)]})) == 1
    with pytest.raises(UsageError, match="not a block of layers"):
        recipes.plans(model_of(6), REPEAT, {"layers": [(5, 9)]})


def test_plans_of_the_same_text_are_one(model_of):
    assert len(recipes.plans(model_of(12), PRUNE, {"layers": [3], "protect_first": [1, 2]})) == 1


@cases(
    ("recipe", "text", "expected"),
    [
        (REPEAT, "times=1..3", ("times", (1, 2, 3))),
        (REPEAT, "times=1,4..5", ("times", (1, 4, 5))),
        (REPEAT, "layers=2:4,5:9", ("layers", ((2, 4), (5, 9)))),
        (PRUNE, "drop=2:4,5:9;1:2", ("drop", (((2, 4), (5, 9)), ((1, 2),)))),
        (PRUNE, "protect-first=0", ("protect_first", (0,))),
        (RECIPES["attenuated"], "scaled=both,residual", ("scaled", ("both", "residual"))),
    ],
)
def test_ranges_are_read_as_the_options_are(recipe, text, expected):
    assert recipes.read_range(recipe, text) == expected


@cases("text", ["times", "size=3", "times=", "times=x", "times=3..1", "times=1..9999", "\x1b=1"])
def test_what_is_no_range_is_said_in_words(text):
    with pytest.raises(UsageError, match="is no|is not|holds") as raised:
        recipes.read_range(REPEAT, text)
    assert "\x1b" not in str(raised.value)


def test_recipes_that_need_two_models_are_refused_as_are_those_that_do_not_exist():
    assert recipes.read_recipe("repeat") is REPEAT
    with pytest.raises(UsageError, match="two models"):
        recipes.read_recipe("alternate")
    with pytest.raises(UsageError, match="no recipe x"):
        recipes.read_recipe("x")
