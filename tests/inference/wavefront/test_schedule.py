"""Both schedules run every edge once, after its parent; states are alive no longer than they are needed."""

from collections.abc import Callable

import pytest
from hypothesis import given

from engine.inference.wavefront.schedule import (
    Advance,
    Order,
    Read,
    Stop,
    depth_first,
    in_passes,
    most_alive,
    passes_of,
    stops,
)
from engine.inference.wavefront.trie import ROOT, Trie, passes, trie_of
from engine.inference.wavefront.visits import Step, Visits, base_visits, visits
from tests.inference.wavefront.random_plans import LAYERS, plan_sets

BLOCKS = [visits([*range(j), *range(i, 30)]) for i in range(30) for j in range(i + 1, min(i + 8, 30) + 1)]
both_orders = pytest.mark.parametrize("order_of", [depth_first, in_passes])


@both_orders
@given(plans=plan_sets())
def test_every_edge_is_run_once_and_after_its_parent(order_of: Callable[[Trie], Order], plans: list[Visits]) -> None:
    trie = trie_of(plans, LAYERS)
    done = {ROOT}
    for advance in (step for step in order_of(trie) if isinstance(step, Advance)):
        for node in advance.nodes:
            assert trie.parents[node] in done
            assert node not in done
            assert trie.steps[node].layer == advance.layer
            done.add(node)
    assert len(done) == trie.edges + 1


@both_orders
@given(plans=plan_sets())
def test_every_ending_is_read_once_and_the_base_first(order_of: Callable[[Trie], Order], plans: list[Visits]) -> None:
    trie = trie_of(plans, LAYERS)
    read = [step.node for step in order_of(trie) if isinstance(step, Read)]
    assert read[0] == trie.base
    assert sorted(read) == sorted(trie.ending)


@given(plan_sets())
def test_the_passes_are_those_of_the_plan_that_jumps_back_most(plans: list[Visits]) -> None:
    assert len(passes_of(trie_of(plans, LAYERS))) == max(map(passes, [*plans, base_visits(LAYERS)]))


@given(plan_sets())
def test_a_pass_goes_upwards_and_needs_each_layer_at_most_once(plans: list[Visits]) -> None:
    for one_pass in passes_of(trie_of(plans, LAYERS)):
        layers = [advance.layer for advance in one_pass]
        assert layers == sorted(layers)


def test_all_blocks_need_two_passes() -> None:
    trie = trie_of(BLOCKS, 30)
    assert [stop.layer for stop in stops(trie, in_passes(trie))] == [*range(30), *range(30)]


def test_depth_first_keeps_little_more_alive_than_the_base_and_passes_a_state_for_most_plans() -> None:
    trie = trie_of(BLOCKS, 30)
    assert most_alive(trie, depth_first(trie)) == 30 + 1
    assert 30 + 1 < most_alive(trie, in_passes(trie)) <= len(BLOCKS) + 1


def test_a_layer_that_any_visit_scales_is_known_beforehand() -> None:
    trie = trie_of([(Step(0), Step(1), Step(1, 0.5), Step(2))], 3)
    assert stops(trie, in_passes(trie)) == [Stop(0, False), Stop(1, True), Stop(2, False)]
