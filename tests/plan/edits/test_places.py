"""What a problem points at can be put right in one step."""

import pytest

from engine.errors import PlanError
from engine.plan.edits import replace_span, replace_value
from engine.plan.model import Position
from engine.plan.syntax import parse

PLAN = """\
merge_method: passthru  # 層
slices:
- sources:
  - model: A
    layer_rnge: [3, 1]
"""


@pytest.mark.parametrize("start", ["", "\ufeff", "# é\r\n"])
def test_a_misspelt_word_is_replaced_where_the_problem_says(start):
    text = start + PLAN
    method, key = (problem.place for problem in parse(text).problems if problem.fix.startswith("Did you mean"))
    text = replace_value(replace_value(text, method, "passthrough").text, key, "layer_range").text
    assert text == start + PLAN.replace("passthru ", "passthrough ").replace("rnge", "range")
    assert parse(text).problems == ()


def test_a_value_with_an_anchor_keeps_it():
    text = "a: &x [3, 1]  # c\nb: *x\n"
    assert replace_value(text, Position(1, 4), "[1, 3]").text == "a: &x [1, 3]  # c\nb: *x\n"


def test_a_span_is_replaced_in_a_text_that_does_not_parse():
    assert replace_span("a: [1\r\nb: 2", Position(1, 6), Position(1, 6), "]").text == "a: [1]\r\nb: 2"
    assert replace_span("a\nb", Position(1, 2), Position(2, 1), " ").text == "a b"


@pytest.mark.parametrize("place", [Position(0, 1), Position(3, 1), Position(1, 5), Position(1, 0), Position(2, 5)])
def test_a_place_outside_the_text_is_refused(place):
    with pytest.raises(PlanError):
        replace_span("a: \nbc", place, place, "x")
    with pytest.raises(PlanError):
        replace_value("a: \nbc:", place, "x")


def test_a_place_where_nothing_begins_is_refused():
    with pytest.raises(PlanError, match="no value begins on line 1, column 2"):
        replace_value("abc: 1", Position(1, 2), "x")


def test_a_span_that_ends_before_it_begins_is_refused():
    with pytest.raises(PlanError):
        replace_span("abc", Position(1, 3), Position(1, 2), "x")
