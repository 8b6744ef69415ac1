"""The paired test against published tails and its own interval; McNemar's exact test, by hand."""

import math
import random

import pytest

from engine.numbers.intervals import t_statistic
from engine.numbers.paired import exact_p, mcnemar, paired_difference
from engine.numbers.student_t import t_quantile, two_sided_p
from tests.numbers.null_sweeps import heavy_tailed, normal, skewed


@pytest.mark.parametrize("df", [1, 2, 15, 63, 1000.5, 1e7])
@pytest.mark.parametrize("p", [1e-6, 0.0005, 0.05, 0.5, 0.9])
def test_the_tail_beyond_a_quantile_is_its_probability(df, p):
    assert two_sided_p(t_quantile(1 - p / 2, df), df) == pytest.approx(p, rel=1e-6)


def test_tails_that_are_known_exactly():
    assert two_sided_p(1.0, 1) == pytest.approx(0.5)  # Cauchy
    assert two_sided_p(-math.sqrt(2), 2) == pytest.approx(1 - math.sqrt(2) / 2)
    assert two_sided_p(0.0, 7) == pytest.approx(1)
    assert two_sided_p(math.inf, 7) == 0


@pytest.mark.parametrize(("t", "df"), [(math.nan, 3), (1.0, 0), (1.0, math.inf)])
def test_a_tail_of_nothing_is_refused(t, df):
    with pytest.raises(ValueError, match="two_sided_p needs"):
        two_sided_p(t, df)


@pytest.mark.parametrize("noise", [normal, skewed, heavy_tailed])
def test_p_is_below_5_percent_exactly_where_the_interval_leaves_0_out(noise):
    rng = random.Random(3)
    for sign in (1, -1) * 300:
        result = paired_difference([sign * (noise(rng) + 0.4) for _ in range(20)])
        assert (result.p < 0.05) == (result.interval.low > 0 or result.interval.high < 0)


def test_the_sign_of_the_differences_is_nothing_but_a_sign():
    rng = random.Random(4)
    for _ in range(100):
        deltas = [skewed(rng) for _ in range(16)]
        one, other = paired_difference(deltas), paired_difference([-delta for delta in deltas])
        assert (other.t, other.p) == (-one.t, one.p)
        assert (other.interval.low, other.interval.high) == (-one.interval.high, -one.interval.low)


def test_models_that_predict_the_same_differ_in_nothing():
    result = paired_difference([0.0] * 16)
    assert (result.p, result.t) == (1, 0)


def test_a_constant_difference_is_significant():
    result = paired_difference([0.25] * 16)
    assert (result.p, result.t) == (0, math.inf)
    assert t_statistic(-0.25, 0) == -math.inf


def test_items_are_counted_by_correctness_of_both_models():
    result = mcnemar([True, True, False, False, True], [True, False, True, False, False])
    assert (result.both, result.only_base, result.only_plan, result.neither) == (1, 2, 1, 1)
    assert result.items == 5


def test_by_hand():
    assert exact_p(0, 5) == 2 / 32
    assert exact_p(1, 7) == 2 * (1 + 8) / 256
    assert exact_p(7, 1) == exact_p(1, 7)


@pytest.mark.parametrize("same", [0, 1, 40])
def test_an_even_split_has_a_p_value_of_1(same):
    assert exact_p(same, same) == 1


def test_items_that_both_answer_alike_do_not_count():
    differing = [True] * 9, [False] * 9
    alike = [True] * 500
    assert mcnemar(differing[0] + alike, differing[1] + alike).p == mcnemar(*differing).p == 2 / 512


def test_thousands_of_items_do_not_overflow():
    assert exact_p(4000, 4400) == pytest.approx(math.erfc(399 / math.sqrt(8400) / math.sqrt(2)), rel=0.01)


def test_unpaired_answers_are_refused():
    with pytest.raises(ValueError, match="shorter"):
        mcnemar([True], [])
