"""Marks: what was marked, and what spoke for it."""

from dlec_tui.measurements.view_state import Mark, justification, marks_as_data, marks_from_data, marks_text, toggled

SIXTH = Mark(6, 12, "angular distance", 0.12345, "4,096 tokens")
SINGLE = Mark(3, 4, "block influence", 0.5, "4,096 tokens")
OTHER = Mark(8, 9, "its place", None, "another text")


def test_marks_stand_in_the_order_of_layers_and_go_when_marked_again() -> None:
    marks = toggled(toggled((), SIXTH), SINGLE)
    assert marks_text(marks) == "3, 6:12"
    assert toggled(marks, SIXTH) == (SINGLE,)


def test_the_justification_names_blocks_metrics_values_and_texts() -> None:
    assert justification((SINGLE, SIXTH, OTHER)) == (
        "layer 3 for block influence 0.5, layers 6 to 11 for angular distance 0.1235 (on 4,096 tokens); "
        "layer 8 for its place (on another text)"
    )


def test_marks_that_a_smaller_model_cannot_have_are_forgotten() -> None:
    assert marks_from_data(marks_as_data((SINGLE, SIXTH)), layers=8) == (SINGLE,)
