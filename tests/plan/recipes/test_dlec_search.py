"""What the recipe dlec-search looks at, and what it writes."""

from itertools import combinations

import pytest

from engine.checkpoint.find import opener
from engine.errors import UsageError
from engine.plan.check import check_plan
from engine.plan.outputs import layer_scalings
from engine.plan.recipes import dlec, dlec_search
from engine.plan.recipes.dlec_search import Options, Repeat, candidates, name_of
from engine.plan.recipes.registry import fields_of
from tests.cases import cases

FREE = {"protect_first": 0, "protect_last": 0}


def stack_of(text):
    checked = check_plan(text, opener())
    assert checked.ok, checked.problems
    return checked.stack


def test_the_first_step_tries_every_single_layer_that_is_not_protected():
    assert candidates(8, Options(3), {0: [()]}, 1) == [(Repeat(n, n + 1, 1.0),) for n in range(2, 7)]


def test_a_step_adds_a_block_to_whatever_leaves_room_for_it_and_overlaps_nothing():
    kept = {0: [()], 1: [(Repeat(3, 4, 1.0),)]}
    found = candidates(5, Options(2, **FREE), kept, 2)
    singles = [(Repeat(n, n + 1, 1.0), Repeat(3, 4, 1.0)) for n in (0, 1, 2)]
    assert {*found} == {*singles, (Repeat(3, 4, 1.0), Repeat(4, 5, 1.0)), *((Repeat(n, n + 2, 1.0),) for n in range(4))}


def test_a_wide_enough_beam_sees_every_set_of_blocks():
    layers, budget = 5, 3
    kept, options = {0: [()]}, Options(budget, beam=10**6, **FREE)
    for added in range(1, budget + 1):
        kept[added] = candidates(layers, options, kept, added)
    blocks = [(i, j) for i in range(layers) for j in range(i + 1, layers + 1)]
    sets = {
        each
        for size in (1, 2, 3)
        for each in combinations(blocks, size)
        if sum(j - i for i, j in each) == budget and all(a[1] <= b[0] for a, b in combinations(each, 2))
    }
    assert {tuple((repeat.start, repeat.end) for repeat in state) for state in kept[budget]} == sets


def test_every_scale_is_tried_once():
    found = candidates(4, Options(1, scales=(1.0, 0.5, 1.0), **FREE), {0: [()]}, 1)
    assert [name_of(state) for state in found][:3] == ["0:1", "0:1 x0.5", "1:2"]
    assert len(found) == 8


def test_no_block_is_longer_than_asked():
    found = candidates(9, Options(3, longest=1, **FREE), {0: [()], 1: [(Repeat(3, 4, 1.0),)], 2: []}, 3)
    assert found == []


def test_unscaled_it_stacks_what_the_recipe_dlec_stacks(model_of):
    state = (Repeat(2, 4, 1.0), Repeat(4, 5, 1.0), Repeat(7, 8, 1.0))
    mine = stack_of(dlec_search.write(model_of(8), state))
    theirs = stack_of(dlec.write(model_of(8), [(2, 4), (4, 5), (7, 8)], []))
    assert [visit.layer for visit in mine.visits] == [visit.layer for visit in theirs.visits]


def test_each_repeat_has_its_own_scale(model_of):
    stack = stack_of(
        dlec_search.write(model_of(8), (Repeat(1, 3, 0.5), Repeat(4, 5, 1.0), Repeat(7, 8, 0.25)), ["why"])
    )
    assert [visit.layer for visit in stack.visits] == [0, 1, 2, 1, 2, 3, 4, 4, 5, 6, 7, 7]
    factors = [{scaling.factor for scaling in layer_scalings(visit).values()} for visit in stack.visits]
    assert factors == [set(), set(), set(), {0.5}, {0.5}, *[set()] * 6, {0.25}]


@cases("values", [{"layers": 0}, {"layers": 6}, {"beam": 0}, {"shortlist": 0}, {"longest": 0}, {"scales": ()}])
def test_a_search_that_cannot_be_is_refused_with_a_way_out(values):
    with pytest.raises(UsageError) as raised:
        dlec_search.require_possible(8, Options(**{"layers": 2, **values}))
    assert raised.value.fix
    dlec_search.require_possible(8, Options(5))


def test_scales_are_read_as_they_are_written():
    (field,) = (field for field in fields_of(Options) if field.name == "scales")
    assert field.written((1.0, 0.5)) == "1,0.5"
    assert field.read("1,0.5") == (1.0, 0.5)
    with pytest.raises(UsageError, match="not a list of numbers such as"):
        field.read("1,x")
