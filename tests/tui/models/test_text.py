"""What the table of models has room for."""

import pytest

from dlec_tui.models.listing import columns_for, name_width

BORDERS_AND_SCROLL_BAR = 4


@pytest.mark.parametrize("width", range(80, 241))
def test_a_name_of_usual_length_is_never_cut(width: int) -> None:
    """A wider screen shows more about a model, and not at the cost of its name."""
    name = "SmolLM2-135M-Instruct"
    assert name_width(columns_for(width), width - BORDERS_AND_SCROLL_BAR) >= len(name)
