"""Percentages and effects as text, and text in terminal cells."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from dlec_tui.wording import change, clipped, elided, harm, indented, packed, padded, printable, wrapped

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
        ((0.0917, 0.085, 0.098), "perplexity +9.6 % (95 % interval +8.9 to +10.3)"),
        ((2, 1.9, 2.1), "perplexity +639 % (95 % interval +569 to +717)"),
        ((-0.01, -0.02, -0.001), "perplexity -1 % (95 % interval -2.0 to -0.1)"),
        ((-0.01, -0.02, 0.01), "no significant difference (95 % interval -2.0 to +1.0 %)"),
        ((0, 0, 0), "no difference: all predictions are identical"),
    ],
)
def test_a_change_of_nll_is_stated_in_perplexity_with_its_interval(interval: tuple[float, ...], text: str) -> None:
    assert harm(*interval) == text


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_any_change_can_be_stated(delta: float, reach: float) -> None:
    assert harm(delta, delta - reach, delta + reach)


@given(st.text())
def test_foreign_text_keeps_its_lines_and_loses_its_control_characters(text: str) -> None:
    shown = printable(text)
    assert shown.count("\n") == text.count("\n")
    assert all(line.isprintable() for line in shown.split("\n"))


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
