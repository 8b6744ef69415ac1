"""What a sweep's verdicts promise, on simulated sweeps whose truth is known.

The procedure is the one that reports: a paired t-test of each plan, Holm-adjusted over all plans, once on the choosing
half and once, for the shortlist alone, on the judging half. A winner is a plan below 5 % that is better.
"""

import math
import random
from statistics import NormalDist

import pytest

from engine.numbers.multiplicity import holm
from engine.numbers.paired import paired_difference
from engine.numbers.student_t import t_quantile
from tests.numbers.null_sweeps import PLANS, SEQUENCES, null_sweep, with_effect

ALPHA, TOP = 0.05, 3


def significant(deltas):
    """The plans that differ, each with whether it is better."""
    found = [paired_difference(each) for each in deltas]
    adjusted = holm([each.p for each in found])
    pairs = enumerate(zip(found, adjusted, strict=True))
    return {plan: each.interval.mean < 0 for plan, (each, p) in pairs if p < ALPHA}


def winners(deltas):
    return {plan for plan, is_better in significant(deltas).items() if is_better}


def judged_winners(rng):
    """Two halves without an effect: the shortlist of the one is judged on the other."""
    choosing, judging = null_sweep(rng), null_sweep(rng)
    shortlist = sorted(range(len(choosing)), key=lambda plan: sum(choosing[plan]))[:TOP]
    return winners([judging[plan] for plan in shortlist])


def false_alarms(trials, seed):
    """Shares of null sweeps in which anything is called different, a winner on the choosing half, and on the judging
    half."""
    rng = random.Random(seed)
    different, chosen, judged = 0, 0, 0
    for _ in range(trials):
        found = significant(null_sweep(rng))
        different += bool(found)
        chosen += any(found.values())
        judged += bool(judged_winners(rng))
    return different / trials, chosen / trials, judged / trials


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


def found_share(trials, plans, seed):
    rng = random.Random(seed)
    return sum(0 in winners(with_effect(null_sweep(rng, plans), 0, 3.0)) for _ in range(trials)) / trials


def test_null_sweeps_have_a_winner_as_rarely_as_promised():
    different, chosen, judged = false_alarms(1000, seed=1)
    assert different <= 0.07
    assert max(chosen, judged) <= 0.056


@pytest.mark.stress
def test_10_000_null_sweeps_have_a_winner_in_at_most_56_of_1_000():
    assert max(false_alarms(10_000, seed=2)) <= 0.056


@pytest.mark.parametrize("plans", [1, PLANS])
def test_an_improvement_of_three_standard_errors_is_found_as_often_as_theory_says(plans):
    """Holm's steps add next to nothing where one plan of many has an effect: the theory is Bonferroni's."""
    expected = theoretical_power(3.0, ALPHA / 2 / plans, SEQUENCES - 1)
    trials = 1000
    noise = math.sqrt(expected * (1 - expected) / trials)
    assert found_share(trials, plans, seed=3) == pytest.approx(expected, abs=3.5 * noise)


@pytest.mark.stress
@pytest.mark.parametrize("plans", [1, PLANS, 40])
def test_10_000_planted_improvements_are_found_as_often_as_theory_says(plans):
    expected = theoretical_power(3.0, ALPHA / 2 / plans, SEQUENCES - 1)
    assert found_share(10_000, plans, seed=4) == pytest.approx(expected, abs=0.015)


def test_theory_is_right_where_it_is_known():
    assert theoretical_power(0.0, 0.025, 15) == pytest.approx(0.025, abs=1e-5)
    assert theoretical_power(3.0, 0.025, 10_000) == pytest.approx(NormalDist().cdf(3 - 1.96), abs=1e-3)
