"""What a sweep's verdicts promise, on simulated sweeps whose truth is known.

The procedure is the one that reports: a paired test of each plan, Holm-adjusted over all plans, once on the
selection set and once, for the shortlist alone, on the held-out set. A winner is a plan below 5 % that is better.
Noise is normal, skewed, heavy-tailed, or measured: differences of eight plans of a real model.
"""

import math
import random
from functools import partial
from statistics import NormalDist

import pytest

from engine.numbers.multiplicity import holm
from engine.numbers.paired import paired_difference
from engine.numbers.student_t import t_quantile
from tests.numbers.null_sweeps import (
    PLANS,
    heavy_tailed,
    measured_null_sweep,
    null_sweep,
    skewed,
    with_effect,
)

pytestmark = pytest.mark.slow

ALPHA, TOP = 0.05, 3


def significant(deltas):
    """The plans that differ, each with whether it is better."""
    result = [paired_difference(each) for each in deltas]
    adjusted = holm([each.p for each in result])
    pairs = enumerate(zip(result, adjusted, strict=True))
    return {plan: each.interval.mean < 0 for plan, (each, p) in pairs if p < ALPHA}


def winners(deltas):
    return {plan for plan, is_better in significant(deltas).items() if is_better}


def judged_winners(rng, sweep):
    """Two splits without an effect: the shortlist of one is evaluated on the other."""
    selection, heldout = sweep(rng), sweep(rng)
    shortlist = sorted(range(len(selection)), key=lambda plan: sum(selection[plan]))[:TOP]
    return winners([heldout[plan] for plan in shortlist])


def false_alarms(trials, seed, sweep):
    """Shares of null sweeps in which anything is called different, a winner on the selection set, and on the held-out
    set."""
    rng = random.Random(seed)
    different, chosen, heldout_winner = 0, 0, 0
    for _ in range(trials):
        result = significant(sweep(rng))
        different += bool(result)
        chosen += any(result.values())
        heldout_winner += bool(judged_winners(rng, sweep))
    return different / trials, chosen / trials, heldout_winner / trials


def theoretical_power(standard_errors, level, df):
    """P(T < -t) where T is noncentral Student with -standard_errors: one-sided at `level`, integrated over the chi."""
    reach, steps, top = t_quantile(1 - level, df), 4000, 4.0
    log_front = math.log(2) + df / 2 * math.log(df / 2) - math.lgamma(df / 2)
    total = 0.0
    for step in range(1, steps):
        s = top * step / steps  # the estimated over the true standard deviation
        density = math.exp(log_front + (df - 1) * math.log(s) - df * s * s / 2)
        total += density * NormalDist().cdf(standard_errors - reach * s)
    return total * top / steps


def found_share(trials, plans, sequences, seed):
    rng = random.Random(seed)
    sweeps = (with_effect(null_sweep(rng, plans, sequences), 0, 3.0) for _ in range(trials))
    return sum(0 in winners(sweep) for sweep in sweeps) / trials


NULL_SWEEPS = {
    "normal": null_sweep,
    "skewed": partial(null_sweep, noise=skewed),
    "skewed, unlike sequences": partial(null_sweep, noise=skewed, shared=0.0),
    "heavy-tailed": partial(null_sweep, noise=heavy_tailed),
    "measured": measured_null_sweep,
}


@pytest.mark.parametrize("sweep", NULL_SWEEPS.values(), ids=NULL_SWEEPS)
def test_null_sweeps_have_a_winner_as_rarely_as_promised(sweep):
    different, chosen, heldout_winner = false_alarms(400, 1, sweep)
    assert different <= 0.07
    assert max(chosen, heldout_winner) <= 0.056


@pytest.mark.stress
@pytest.mark.parametrize("sweep", NULL_SWEEPS.values(), ids=NULL_SWEEPS)
def test_10_000_null_sweeps_have_a_winner_in_at_most_56_of_1_000(sweep):
    assert max(false_alarms(10_000, 2, sweep)) <= 0.056


LOST = {16: 0.12, 64: 0.03}
"""By sequences, how much of Student's power the correction for skewness may cost where nothing is skewed."""


@pytest.mark.parametrize("sequences", LOST)
@pytest.mark.parametrize("plans", [1, PLANS])
def test_an_improvement_of_three_standard_errors_is_found_nearly_as_often_as_by_students_test(plans, sequences):
    """Holm's steps add next to nothing where one plan of many has an effect: the theory is Bonferroni's."""
    expected = theoretical_power(3.0, ALPHA / 2 / plans, sequences - 1)
    trials = 500
    noise = math.sqrt(expected * (1 - expected) / trials)
    result = found_share(trials, plans, sequences, seed=3)
    assert expected - LOST[sequences] - 3 * noise <= result <= expected + 3 * noise


@pytest.mark.stress
@pytest.mark.parametrize("sequences", LOST)
@pytest.mark.parametrize("plans", [1, PLANS, 40])
def test_10_000_planted_improvements_are_found_nearly_as_often_as_by_students_test(plans, sequences):
    expected = theoretical_power(3.0, ALPHA / 2 / plans, sequences - 1)
    result = found_share(10_000, plans, sequences, seed=4)
    assert expected - LOST[sequences] - 0.015 <= result <= expected + 0.015


def test_theory_is_right_where_it_is_known():
    assert theoretical_power(0.0, 0.025, 15) == pytest.approx(0.025, abs=1e-5)
    assert theoretical_power(3.0, 0.025, 10_000) == pytest.approx(NormalDist().cdf(3 - 1.96), abs=1e-3)
