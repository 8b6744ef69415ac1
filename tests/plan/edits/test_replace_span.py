"""A span of the text is replaced; positions outside the text are refused."""

import pytest

from engine.errors import PlanError
from engine.plan.edits import replace_span
from engine.plan.fixes import applied
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
def test_the_span_of_a_problem_is_the_word_to_replace(start):
    changes = [problem.change for problem in parse(start + PLAN).problems if problem.change]
    text = applied(start + PLAN, changes)
    assert text == start + PLAN.replace("passthru ", "passthrough ").replace("rnge", "range")
    assert parse(text).problems == ()


def test_a_span_is_replaced_in_a_text_that_does_not_parse():
    assert replace_span("a: [1\r\nb: 2", Position(1, 6), Position(1, 6), "]").text == "a: [1]\r\nb: 2"
    assert replace_span("a\nb", Position(1, 2), Position(2, 1), " ").text == "a b"


@pytest.mark.parametrize("place", [Position(0, 1), Position(3, 1), Position(1, 5), Position(1, 0), Position(2, 5)])
def test_a_place_outside_the_text_is_refused(place):
    with pytest.raises(PlanError):
        replace_span("a: \nbc", place, place, "x")


def test_a_span_that_ends_before_it_begins_is_refused():
    with pytest.raises(PlanError):
        replace_span("abc", Position(1, 3), Position(1, 2), "x")
