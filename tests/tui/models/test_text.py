"""Columns of the list of models."""

from dlec_tui.models.listing import columns_for, name_width

BORDERS_AND_SCROLL_BAR = 4


def test_a_name_of_usual_length_is_never_cut() -> None:
    """A wider terminal shows more columns, but never at the expense of the name."""
    name = "SmolLM2-135M-Instruct"
    widths = range(80, 241)
    assert not [each for each in widths if name_width(columns_for(each), each - BORDERS_AND_SCROLL_BAR) < len(name)]
