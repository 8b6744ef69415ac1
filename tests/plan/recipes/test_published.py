"""At the depth of the models that made them known, the defaults are the published plans."""

from engine.checkpoint.find import opener
from engine.plan.check import check_plan
from engine.plan.recipes.registry import RECIPES
from engine.plan.syntax import parse
from tests.cases import cases

PUBLISHED = {
    "WestLake-10.7B-v2": ("overlap", 32, [(0, 9), (5, 14), (10, 19), (15, 24), (20, 32)], 48),
    "SOLAR-10.7B": ("solar", 32, [(0, 24), (8, 32)], 48),
    "OpenChat block expansion": ("expand-end", 32, [(0, 32), *[(31, 32)] * 8], 40),
    "BA-Zephyria-39b, with its last layer": ("zeroed-middle", 56, [(0, 41), (19, 41), (19, 41), (41, 56)], 100),
    "growing from 4 to 9, then the rest": (
        *("growing", 32),
        *([(0, 4), (2, 7), (5, 11), (8, 15), (12, 20), (16, 25), (21, 32)], 50),
    ),
}


@cases(("recipe", "depth", "ranges", "layers"), PUBLISHED.values(), ids=PUBLISHED)
def test_the_default_is_the_published_plan(model_of, recipe, depth, ranges, layers):
    text = RECIPES[recipe].write(model_of(depth), RECIPES[recipe].options())
    assert [(slice_.start, slice_.end) for slice_ in parse(text).plan.slices] == ranges
    assert len(check_plan(text, opener()).stack.visits) == layers


def test_llama_pro_adds_eight_to_thirty_two(model_of):
    text = RECIPES["llama-pro"].write(model_of(32), RECIPES["llama-pro"].options())
    visits = check_plan(text, opener()).stack.visits
    assert [number for number, visit in enumerate(visits) if visit.repeat] == [4, 9, 14, 19, 24, 29, 34, 39]


def test_the_interleaved_plan_proposed_after_tunguska(model_of):
    text = RECIPES["interleave"].write(model_of(56), RECIPES["interleave"].options())
    layers = [visit.layer for visit in check_plan(text, opener()).stack.visits]
    assert layers == [*range(19), *(layer for layer in range(19, 41) for _ in range(3)), *range(41, 56)]


def test_alternate_has_goliaths_shape(model_of):
    one, other = model_of(80), model_of(80, seed=1)
    plan = parse(RECIPES["alternate"].write(one, RECIPES["alternate"].options(other=other))).plan
    assert [(slice_.start, slice_.end) for slice_ in plan.slices] == [(8 * n, 8 * n + 16) for n in range(9)]
    assert [slice_.model for slice_ in plan.slices[:3]] == [one.reference, other.reference, one.reference]
    assert plan.base_model == one.reference
