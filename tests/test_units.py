"""Sizes, counts, rates and durations as text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.units import age, byte_size, count, duration, frequency, plural


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.00 kB"), (269_060_552, "269 MB"), (9_995_000, "10.0 MB"), (14e9, "14.0 GB")],
)
def test_bytes_have_three_digits_and_a_decimal_unit(number: float, text: str) -> None:
    assert byte_size(number) == text


@pytest.mark.parametrize(("number", "text"), [(9999, "9,999"), (134_515_008, "135 million"), (8.03e9, "8.03 billion")])
def test_counts_are_exact_while_they_can_be_read(number: int, text: str) -> None:
    assert count(int(number)) == text


@pytest.mark.parametrize(("seconds", "text"), [(0.42, "0.4 s"), (75, "75 s"), (700, "12 min"), (12_000, "3 h 20 min")])
def test_durations_are_said_as_a_person_says_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.9, "59 s"), (60, "1 min"), (3599, "59 min"), (7200, "2 h"), (47.9 * 3600, "47 h"), (2e5, "2 d")],
)
def test_an_age_is_said_in_one_unit(seconds: float, text: str) -> None:
    assert age(seconds) == text


@pytest.mark.parametrize(
    ("per_second", "text"),
    [(12_345, "12.3 thousand/s"), (12.4, "12/s"), (1.5, "1.5/s"), (0.5, "30/min"), (1e-3, "3.6/h")],
)
def test_how_often_is_said_in_the_unit_in_which_it_is_at_least_once(per_second: float, text: str) -> None:
    assert frequency(per_second) == text


def test_what_is_rarer_than_once_an_hour_is_said_per_hour() -> None:
    assert frequency(1e-5) == "0.036/h"


def test_one_thing_is_singular() -> None:
    assert (plural(1, "layer"), plural(30, "layer")) == ("1 layer", "30 layers")


@given(st.integers(0, 10**18))
def test_a_byte_size_is_never_off_by_more_than_its_last_digit(number: int) -> None:
    value, unit = byte_size(number).split()
    power = ["B", "kB", "MB", "GB", "TB", "PB"].index(unit)
    assert abs(float(value) * 1000**power - number) <= 0.0051 * max(number, 1)
