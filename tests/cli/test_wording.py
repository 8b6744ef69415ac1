"""Quantities as text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from dlec_tui.wording import (
    age,
    byte_size,
    change,
    clipped,
    count,
    duration,
    elided,
    frequency,
    harm,
    indented,
    packed,
    padded,
    plural,
    printable,
    wrapped,
)


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


NAMES = st.text(
    st.sampled_from("aZ9 /模型层かな한글é\u0301\u0308👍🏽\u200d👩🚀🇩🇪") | st.characters(exclude_characters="…")
)
"""Wide characters, marks that take no cell of their own, emoji of several characters, and everything else."""


@given(NAMES, st.integers(0, 40))
def test_an_elided_text_fits_in_cells_and_keeps_both_ends(text: str, width: int) -> None:
    short = elided(text, width)
    before, _, after = short.partition("…")
    assert cell_len(short) <= width or not cell_len(text)
    assert short == text or (text.startswith(before) and text.endswith(after))


@given(NAMES, st.integers(0, 40))
def test_a_clipped_text_fits_in_cells_and_keeps_its_beginning(text: str, width: int) -> None:
    short = clipped(text, width)
    assert cell_len(short) <= width or not cell_len(text)
    assert short == text or text.startswith(short.removesuffix("…"))


def test_of_a_long_wide_name_as_much_is_shown_as_fits() -> None:
    assert elided("模型模型模型模型模型模型", 12) == "模型模…模型"
    assert clipped("模型模型模型", 6) == "模型…"


@given(NAMES, st.integers(0, 60))
def test_padded_texts_end_in_the_same_column(text: str, width: int) -> None:
    """Cells are counted in what is before the next column, not in characters."""
    widths = {cell_len(side(text, width)) for side in (padded, indented)}
    assert widths == {max(width, cell_len(text))}


def test_changes_carry_their_sign() -> None:
    assert (change(117, 100), change(90, 100), change(1102.1, 100)) == ("+17.0 %", "-10.0 %", "+1,002 %")


@pytest.mark.parametrize(
    ("interval", "text"),
    [
        ((0.0917, 0.085, 0.098), "worse by 9.6 %, between 8.9 and 10.3"),
        ((2, 1.9, 2.1), "worse by 639 %, between 569 and 717"),
        ((-0.01, -0.02, -0.001), "better by 1 %, between 0.1 and 2.0"),
        ((-0.01, -0.02, 0.01), "no difference can be seen: between 2.0 % better and 1.0 % worse"),
        ((0, 0, 0), "no difference: every prediction is the same"),
    ],
)
def test_a_change_of_nll_is_said_in_perplexity_with_its_interval(interval: tuple[float, ...], text: str) -> None:
    assert harm(*interval) == text


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_any_change_can_be_said(delta: float, reach: float) -> None:
    assert harm(delta, delta - reach, delta + reach)


def test_one_thing_is_singular() -> None:
    assert (plural(1, "layer"), plural(30, "layer")) == ("1 layer", "30 layers")


@given(st.text())
def test_foreign_text_keeps_its_lines_and_loses_its_control_characters(text: str) -> None:
    shown = printable(text)
    assert shown.count("\n") == text.count("\n")
    assert all(line.isprintable() for line in shown.split("\n"))


@given(st.integers(0, 10**18))
def test_a_byte_size_is_never_off_by_more_than_its_last_digit(number: int) -> None:
    value, unit = byte_size(number).split()
    power = ["B", "kB", "MB", "GB", "TB", "PB"].index(unit)
    assert abs(float(value) * 1000**power - number) <= 0.0051 * max(number, 1)


@given(st.lists(NAMES, max_size=4), st.integers(2, 40), st.integers(1, 6))
def test_wrapped_lines_fit_and_say_when_something_is_left_out(lines: list[str], width: int, height: int) -> None:
    lines = [" ".join(line.split()) for line in lines]
    shown = wrapped(lines, width, height)
    assert len(shown) <= height
    assert all(cell_len(line) <= width for line in shown)
    everything = wrapped(lines, width, 10_000)
    assert "".join(everything).replace(" ", "") == "".join(lines).replace(" ", "")
    assert shown == everything or shown[-1].endswith("…")


def test_parts_that_have_no_room_are_left_out_behind_an_ellipsis() -> None:
    assert packed(["one", "two", "three"], ", ", 8, 2) == ["one, two", "three"]
    assert packed(["one", "two", "three"], ", ", 8, 1) == ["one, tw…"]
    assert packed(["one", "two", "three"], ", ", 10, 1) == ["one, two …"]
