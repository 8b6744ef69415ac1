"""The strip: a cell for each layer of the new model, from the text alone."""

import pytest

from dlec_tui.plans.strip_cells import (
    MOST_CELLS,
    cells_of,
    place_of,
    rail_of,
    row_of,
    sources_of,
    summary_of,
    window_for,
)
from dlec_tui.terminal.glyphs import GLYPHS
from engine.plan.edits import SliceView


def view(start: int | None, end: int | None, model: str = "org/a", scale: float | None = None) -> SliceView:
    return SliceView(1, 3, (model,), start, end, scale, False, None)


def text_of(*slices: SliceView, width: int = 4) -> str:
    cells = cells_of(slices)
    return "".join(text for text, _ in row_of(cells, window_for(len(cells), width, None)))


def test_a_layer_that_comes_again_looks_otherwise() -> None:
    assert text_of(view(0, 2), view(1, 3)) == "██▒█"


def test_layers_of_several_models_have_letters_small_ones_when_repeated() -> None:
    assert text_of(view(0, 2), view(0, 1, "org/b"), view(1, 3), width=5) == "AABaA"


def test_cells_are_as_wide_as_there_is_room_for() -> None:
    assert text_of(view(0, 2), view(1, 3), width=11) == "████▒▒██"


def test_inert_layers_are_dots() -> None:
    assert text_of(view(0, 1), view(0, 1, scale=0.0), view(0, 1, scale=0.5)) == "█·▒"


def test_ascii_alone_tells_the_same() -> None:
    GLYPHS.speak_ascii()
    assert text_of(view(0, 1), view(0, 1), view(0, 1, scale=0.0)).isascii()
    assert len(set(text_of(view(0, 1), view(0, 1), view(0, 1, scale=0.0)))) == 3


def test_a_slice_that_cannot_be_told_has_no_cells() -> None:
    assert [cell.slice_index for cell in cells_of([view(None, None), view(3, 4)])] == [1]


def test_an_end_that_is_being_typed_does_not_fill_the_memory() -> None:
    assert len(cells_of([view(0, 10**12), view(0, 5)])) == MOST_CELLS


@pytest.mark.parametrize("current", [0, 250, 499])
def test_of_a_deep_model_the_current_slice_is_in_view_with_a_rail_under_it(current: int) -> None:
    cells = cells_of([view(start % 30, start % 30 + 2) for start in range(500)])
    place = place_of(cells, current)
    window = window_for(len(cells), 80, place)
    rail = rail_of(place, window)
    assert len(rail) <= 80
    assert rail.strip() == GLYPHS.line * 2
    assert sum(len(text) for text, _ in row_of(cells, window)) == 80


def test_the_summary_counts_by_model() -> None:
    slices = [view(0, 4), view(2, 4), view(0, 3, "org/b")]
    summary = summary_of(cells_of(slices), sources_of(slices))
    assert summary == "9 layers: 4 of A org/a, 3 of B org/b, 2 repeated"
