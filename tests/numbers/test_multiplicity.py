"""Many plans: adjusted p-values, the expected best by chance, what is left of a winner, and early stopping."""

import math
import random
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.numbers.multiplicity import ALPHA, Shrinkage, best_by_chance, holm, is_surely_worse, looks
from tests.numbers.null_sweeps import PLANS, null_sweep, skewed, with_effect

PROBABILITIES = st.lists(st.floats(0, 1), max_size=30)


def test_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_one_comparison_needs_no_adjustment():
    assert holm([0.03]) == [0.03]
    assert holm([]) == []


@given(PROBABILITIES)
def test_nothing_becomes_smaller_nor_more_than_bonferroni_makes_it(p_values):
    adjusted = holm(p_values)
    assert all(p <= a <= min(1, len(p_values) * p) for p, a in zip(p_values, adjusted, strict=True))


@given(PROBABILITIES)
def test_the_order_is_kept(p_values):
    adjusted = holm(p_values)
    pairs = sorted(zip(p_values, adjusted, strict=True))
    assert [a for _, a in pairs] == sorted(adjusted)


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
def test_values_outside_0_to_1_are_refused(p):
    with pytest.raises(ValueError, match="needs p-values"):
        holm([0.5, p])


EXPECTED_LOWEST = {1: 0.0, 4: -1.0294, 16: -1.7660}
"""Of so many independent standard normal values, from published tables of order statistics."""


@pytest.mark.parametrize("plans", EXPECTED_LOWEST)
def test_independent_plans_give_the_expected_minimum_of_normal_values(plans):
    sequences = 64
    result = best_by_chance(null_sweep(random.Random(5), plans, sequences, shared=0.0), draws=2000)
    assert result.delta * sequences**0.5 == pytest.approx(EXPECTED_LOWEST[plans], abs=0.25)


def test_plans_that_move_together_give_no_more_chances_than_one():
    (one,) = null_sweep(random.Random(6), 1, 32)
    result = best_by_chance([one] * 50)
    assert result.delta == pytest.approx(0, abs=0.02)
    assert result.p == pytest.approx(best_by_chance([one]).p)


def test_the_effects_of_the_plans_do_not_matter():
    deltas = null_sweep(random.Random(7))
    harmful = [[value + 10 * number for value in each] for number, each in enumerate(deltas)]
    assert best_by_chance(harmful).delta == pytest.approx(best_by_chance(deltas).delta)


def test_its_p_is_uniform_enough_without_an_effect():
    rng = random.Random(8)
    p_values = [best_by_chance(null_sweep(rng), draws=99).p for _ in range(400)]
    assert fmean(p_values) == pytest.approx(0.5, abs=0.05)
    assert sum(p <= 0.05 for p in p_values) / 400 <= 0.085


def test_a_true_improvement_is_significant():
    deltas = with_effect(null_sweep(random.Random(9)), 2, 8.0)
    assert best_by_chance(deltas).p < 0.01


def test_the_simulation_is_reproducible():
    deltas = null_sweep(random.Random(10))
    assert best_by_chance(deltas) == best_by_chance(deltas)


@pytest.mark.parametrize("deltas", [[], [[1.0, 2.0], [1.0]]])
def test_plans_on_different_sequences_are_refused(deltas):
    with pytest.raises(ValueError, match="the same sequences"):
        best_by_chance(deltas)


def test_skewed_differences_are_significant_no_more_often_than_promised():
    rng = random.Random(11)
    p_values = [best_by_chance(null_sweep(rng, noise=skewed), draws=99).p for _ in range(400)]
    assert sum(p <= 0.05 for p in p_values) / 400 <= 0.085


def test_half_of_an_improvement_remains():
    result = Shrinkage(selection=-0.02, heldout=-0.01)
    assert (result.kept, result.lost) == (0.5, 0.01)


def test_an_improvement_may_become_harm():
    assert Shrinkage(selection=-0.02, heldout=0.01).kept == -0.5


def test_of_harm_nothing_is_kept():
    assert math.isnan(Shrinkage(selection=0.0, heldout=0.01).kept)


def test_winners_without_an_effect_shrink_to_nothing():
    rng = random.Random(15)
    kept = []
    for _ in range(2000):
        selection, heldout = ([sum(each) / len(each) for each in null_sweep(rng)] for _ in range(2))
        best = min(range(len(selection)), key=selection.__getitem__)
        if selection[best] < 0:
            kept.append(Shrinkage(selection[best], heldout[best]).heldout)
    assert sum(kept) / len(kept) == pytest.approx(0, abs=0.02)


def stopped_at(deltas, plans):
    """After how many sequences a plan is given up; None when it is measured to the end."""
    for look, after in enumerate(looks(len(deltas)), 1):
        if after < len(deltas) and is_surely_worse(deltas[:after], look, plans):
            return after
    return None


def wrongly_stopped(trials, seed):
    """Share of null sweeps in which any plan is stopped."""
    rng = random.Random(seed)
    sweeps = (null_sweep(rng, PLANS, 128) for _ in range(trials))
    return sum(any(stopped_at(each, PLANS) for each in sweep) for sweep in sweeps) / trials


def test_it_looks_at_16_sequences_then_at_twice_as_many_and_at_the_end():
    assert list(looks(100)) == [16, 32, 64, 100]
    assert list(looks(16)) == [16]


def test_plans_that_are_no_worse_are_hardly_ever_stopped():
    assert wrongly_stopped(600, seed=11) <= ALPHA


@pytest.mark.stress
def test_of_10_000_sweeps_without_harm_at_most_5_percent_stop_anything():
    assert wrongly_stopped(10_000, seed=12) <= ALPHA


def test_a_plan_that_is_much_worse_is_stopped_at_the_first_look():
    rng = random.Random(13)
    assert stopped_at([rng.gauss(3, 1) for _ in range(128)], 200) == 16


def test_a_better_plan_is_measured_to_the_end():
    rng = random.Random(14)
    assert stopped_at([rng.gauss(-3, 1) for _ in range(128)], 200) is None


def test_a_plan_equal_to_its_base_is_measured_to_the_end():
    assert stopped_at([0.0] * 64, 1) is None
