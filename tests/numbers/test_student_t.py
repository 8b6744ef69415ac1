"""The t quantile against closed forms, published tables and its own symmetry."""

import math
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.numbers.student_t import t_quantile

TABLE = {  # quantiles at 0.975 and 0.995, computed to 40 digits with mpmath's betainc
    15: (2.13144954555978, 2.94671288347524),
    16: (2.11990529922125, 2.9207816224251),
    31: (2.03951344639641, 2.74404191929427),
    63: (1.99834054252074, 2.65614502509986),
    255: (1.96931056984987, 2.59524648479163),
}
PROBABILITIES = st.floats(1e-12, 1 - 1e-12)


def near(value):
    return pytest.approx(value, rel=1e-10, abs=0)


@pytest.mark.parametrize("df", TABLE)
def test_it_agrees_with_the_tables(df):
    assert (t_quantile(0.975, df), t_quantile(0.995, df)) == (near(TABLE[df][0]), near(TABLE[df][1]))


@given(PROBABILITIES)
def test_one_and_two_degrees_of_freedom_have_closed_forms(p):
    tail = min(p, 1 - p)
    cauchy = (
        math.copysign(1 / math.tan(math.pi * tail), p - 0.5) if abs(p - 0.5) > 0.1 else math.tan(math.pi * (p - 0.5))
    )
    assert t_quantile(p, 1) == near(cauchy)
    assert t_quantile(p, 2) == near(2 * (p - 0.5) / math.sqrt(2 * p * (1 - p)))


@given(st.floats(0.5, 0.9), st.floats(0.5, 1e7))
def test_it_is_symmetric_and_grows_with_p(p, df):
    assert t_quantile(p, df) < t_quantile(p + 0.05, df)
    assert t_quantile(1 - p, df) == -t_quantile(p, df)


@pytest.mark.parametrize("p", [0.5 + 1e-6, 0.6, 0.975, 1 - 1e-9])
def test_many_degrees_of_freedom_are_the_normal_distribution(p):
    assert t_quantile(p, 1e12) == near(NormalDist().inv_cdf(p))
    assert t_quantile(p, 1e6) == near(t_quantile(p, math.nextafter(1e6, math.inf)))


@pytest.mark.parametrize(("p", "df"), [(0, 5), (1, 5), (math.nan, 5), (0.9, 0), (0.9, -1), (0.9, math.inf)])
def test_nonsense_is_refused(p, df):
    with pytest.raises(ValueError, match="needs 0 < p < 1"):
        t_quantile(p, df)
