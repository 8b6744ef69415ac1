"""Spearman's correlation against its definition and its symmetries."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.numbers.ranks import ranks, spearman

PAIRS = st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), min_size=3, max_size=30)


def split(pairs):
    return [x for x, _ in pairs], [y for _, y in pairs]


def test_ties_share_the_mean_of_their_ranks():
    assert ranks([10, 30, 20, 20, 5]) == [2, 5, 3.5, 3.5, 1]


def test_without_ties_it_is_the_textbook_formula():
    xs, ys = [3, 1, 4, 1.5, 9], [2, 7, 1, 8, 28]
    squares = sum((x - y) ** 2 for x, y in zip(ranks(xs), ranks(ys), strict=True))
    assert spearman(xs, ys) == pytest.approx(1 - 6 * squares / (5 * 24))


def test_with_ties_it_is_the_correlation_of_the_shared_ranks():
    """By hand: deviations of the ranks are -2, -1/2, -1/2, 1, 2 and -1, -2, 1/2, 1/2, 2."""
    assert spearman([1, 2, 2, 3, 5], [2, 1, 4, 4, 5]) == pytest.approx(7.25 / 9.5)


@given(PAIRS.filter(lambda pairs: all(len(set(side)) > 1 for side in split(pairs))))
def test_only_the_order_matters(pairs):
    xs, ys = split(pairs)
    assert spearman(xs, [y**3 for y in ys]) == pytest.approx(spearman(xs, ys))
    assert spearman([-x for x in xs], ys) == pytest.approx(-spearman(xs, ys))
    assert spearman(xs, xs) == pytest.approx(1)


@pytest.mark.parametrize("xs", [[], [1], [2, 2, 2]])
def test_it_is_undefined_without_an_order(xs):
    assert math.isnan(spearman(xs, list(range(len(xs)))))


@pytest.mark.parametrize(("xs", "ys"), [([1, 2], [1]), ([1, math.nan], [1, 2])])
def test_values_that_are_not_pairs_of_numbers_are_refused(xs, ys):
    with pytest.raises(ValueError, match="pairs of numbers"):
        spearman(xs, ys)
