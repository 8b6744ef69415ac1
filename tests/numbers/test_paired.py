"""The paired test against published tails and its own interval."""

import math
import random

import pytest

from engine.numbers.paired import paired_difference, t_statistic
from engine.numbers.student_t import t_quantile, two_sided_p


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


def test_p_is_below_5_percent_exactly_where_the_interval_leaves_0_out():
    rng = random.Random(3)
    for _ in range(300):
        found = paired_difference([rng.gauss(0.3, 1) for _ in range(20)])
        assert (found.p < 0.05) == (found.interval.low > 0 or found.interval.high < 0)


def test_models_that_predict_the_same_differ_in_nothing():
    found = paired_difference([0.0] * 16)
    assert (found.p, found.t) == (1, 0)


def test_a_difference_without_spread_is_no_chance():
    found = paired_difference([0.25] * 16)
    assert (found.p, found.t) == (0, math.inf)
    assert t_statistic(-0.25, 0) == -math.inf
