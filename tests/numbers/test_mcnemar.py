"""McNemar's exact test, by hand."""

import math

import pytest

from engine.numbers.mcnemar import exact_p, mcnemar


def test_items_are_counted_by_who_answers_them():
    found = mcnemar([True, True, False, False, True], [True, False, True, False, False])
    assert (found.both, found.only_base, found.only_plan, found.neither) == (1, 2, 1, 1)
    assert found.items == 5


def test_by_hand():
    assert exact_p(0, 5) == 2 / 32
    assert exact_p(1, 7) == 2 * (1 + 8) / 256
    assert exact_p(7, 1) == exact_p(1, 7)


@pytest.mark.parametrize("same", [0, 1, 40])
def test_what_divides_evenly_is_no_surprise(same):
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
