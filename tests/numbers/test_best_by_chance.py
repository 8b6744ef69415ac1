"""The expected best of plans that change nothing, against theory and simulation."""

import random
from statistics import fmean

import pytest

from engine.numbers.best_by_chance import best_by_chance
from tests.numbers.null_sweeps import null_sweep, skewed, with_effect

EXPECTED_LOWEST = {1: 0.0, 4: -1.0294, 16: -1.7660}
"""Of so many independent standard normal values, from published tables of order statistics."""


@pytest.mark.parametrize("plans", EXPECTED_LOWEST)
def test_independent_plans_give_the_expected_lowest_of_so_many_normal_values(plans):
    sequences = 64
    found = best_by_chance(null_sweep(random.Random(5), plans, sequences, shared=0.0), draws=2000)
    assert found.delta * sequences**0.5 == pytest.approx(EXPECTED_LOWEST[plans], abs=0.25)


def test_plans_that_move_together_give_no_more_chances_than_one():
    (one,) = null_sweep(random.Random(6), 1, 32)
    found = best_by_chance([one] * 50)
    assert found.delta == pytest.approx(0, abs=0.02)
    assert found.p == pytest.approx(best_by_chance([one]).p)


def test_the_effects_of_the_plans_do_not_matter():
    deltas = null_sweep(random.Random(7))
    harmful = [[value + 10 * number for value in each] for number, each in enumerate(deltas)]
    assert best_by_chance(harmful).delta == pytest.approx(best_by_chance(deltas).delta)


def test_its_p_is_uniform_enough_without_an_effect():
    rng = random.Random(8)
    p_values = [best_by_chance(null_sweep(rng), draws=99).p for _ in range(400)]
    assert fmean(p_values) == pytest.approx(0.5, abs=0.05)
    assert sum(p <= 0.05 for p in p_values) / 400 <= 0.085


def test_a_true_improvement_is_no_chance():
    deltas = with_effect(null_sweep(random.Random(9)), 2, 8.0)
    assert best_by_chance(deltas).p < 0.01


def test_it_says_the_same_each_time():
    deltas = null_sweep(random.Random(10))
    assert best_by_chance(deltas) == best_by_chance(deltas)


@pytest.mark.parametrize("deltas", [[], [[1.0, 2.0], [1.0]]])
def test_what_is_not_paired_is_refused(deltas):
    with pytest.raises(ValueError, match="the same sequences"):
        best_by_chance(deltas)


def test_skewed_differences_are_no_surprise_more_often_than_promised():
    rng = random.Random(11)
    p_values = [best_by_chance(null_sweep(rng, noise=skewed), draws=99).p for _ in range(400)]
    assert sum(p <= 0.05 for p in p_values) / 400 <= 0.085
