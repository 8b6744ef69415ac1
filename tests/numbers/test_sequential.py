"""Stopping early: hardly ever a plan that is no worse, soon one that is."""

import random

import pytest

from engine.numbers.sequential import ALPHA, is_surely_worse, looks
from tests.numbers.null_sweeps import PLANS, null_sweep


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
