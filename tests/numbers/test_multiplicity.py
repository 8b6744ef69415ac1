"""Holm's adjustment: by hand, and what it promises."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.numbers.multiplicity import holm

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
def test_the_order_stays(p_values):
    adjusted = holm(p_values)
    pairs = sorted(zip(p_values, adjusted, strict=True))
    assert [a for _, a in pairs] == sorted(adjusted)


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
def test_what_is_no_probability_is_refused(p):
    with pytest.raises(ValueError, match="needs p-values"):
        holm([0.5, p])
