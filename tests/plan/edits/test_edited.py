"""A span of the text is replaced; after an edit no comment of a recipe is false, and no other comment is touched."""

import re

import pytest

from engine.checkpoint.checkpoint import open_checkpoint
from engine.errors import PlanError
from engine.plan.check import applied
from engine.plan.edits import delete_slice, duplicate_slice, move_slice, replace_span, set_range, set_scale, slices_of
from engine.plan.edits.edited import _OF_A_SLICE, EDITED
from engine.plan.model import Position
from engine.plan.recipes.registry import RECIPES
from engine.plan.recipes.repeat import Options, write
from engine.plan.syntax import parse
from tests.cases import cases
from tests.tiny import write_llama

PLAN = """\
merge_method: passthru  # 層
slices:
- sources:
  - model: A
    layer_rnge: [3, 1]
"""


@cases("start", ["", "\ufeff", "# é\r\n"])
def test_the_span_of_a_problem_is_the_word_to_replace(start):
    changes = [problem.change for problem in parse(start + PLAN).problems if problem.change]
    text = applied(start + PLAN, changes)
    assert text == start + PLAN.replace("passthru ", "passthrough ").replace("rnge", "range")
    assert parse(text).problems == ()


def test_a_span_is_replaced_in_a_text_that_does_not_parse():
    assert replace_span("a: [1\r\nb: 2", Position(1, 6), Position(1, 6), "]").text == "a: [1]\r\nb: 2"
    assert replace_span("a\nb", Position(1, 2), Position(2, 1), " ").text == "a b"


@cases("place", [Position(0, 1), Position(3, 1), Position(1, 5), Position(1, 0), Position(2, 5)])
def test_a_place_outside_the_text_is_refused(place):
    with pytest.raises(PlanError):
        replace_span("a: \nbc", place, place, "x")


def test_a_span_that_ends_before_it_begins_is_refused():
    with pytest.raises(PlanError):
        replace_span("abc", Position(1, 3), Position(1, 2), "x")


LAYERS = 18
UNASKED = [name for name in RECIPES if not any(field.is_required for field in RECIPES[name].fields)]


@pytest.fixture(scope="module")
def repeated(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Layers 5 to 8 twice."""
    checkpoint = open_checkpoint(write_llama(tmp_path_factory.mktemp("model") / "Tiny", layers=LAYERS))
    return write(checkpoint, Options(layers=(5, 9)))


def comments(text: str) -> list[str]:
    """Of the slices."""
    return re.findall(r"layer_range: .*?\](?:  # (.*))?", text)


def test_what_a_recipe_wrote_of_a_slice_follows_its_range(repeated: str) -> None:
    assert comments(repeated) == ["layers 0 to 8, including the block", "layers 5 to 8 again, then the rest"]
    assert comments(set_range(repeated, 1, 6, 18).text) == [
        "layers 0 to 8, including the block",
        "layers 6 to 17; layers 6 to 8 again",
    ]
    assert comments(set_range(repeated, 0, 0, 5).text) == ["layers 0 to 4", "layers 5 to 17"]
    assert comments(duplicate_slice(repeated, 0).text)[1] == "layers 0 to 8 again"
    assert comments(move_slice(repeated, 0, 1).text) == ["layers 5 to 17", "layers 0 to 8; layers 5 to 8 again"]
    assert comments(set_scale(duplicate_slice(repeated, 0).text, 1, 0.0).text)[1] == "inert copies of layers 0 to 8"


def test_what_a_recipe_wrote_of_the_whole_plan_is_said_of_its_beginning(repeated: str) -> None:
    assert "18 layers become 22." in repeated.splitlines()[0]
    once = delete_slice(repeated, 0).text
    assert once.splitlines()[0] == EDITED
    assert once.splitlines()[1].startswith("# Repeats layers 5 to 8 of ")
    assert "become" not in once
    assert set_range(once, 0, 4, 18).text.count(EDITED) == 1


def test_an_edit_that_changes_nothing_and_one_of_a_persons_plan_leave_every_comment(repeated: str) -> None:
    assert set_range(repeated, 0, 0, 9).text == repeated
    own = re.sub(r"# .*", "# layers 0 to 8, as in my notes: 18 layers become many", repeated)
    assert comments(set_range(own, 0, 1, 9).text) == comments(own)
    assert set_range(own, 0, 1, 9).text.splitlines()[0] == own.splitlines()[0]


@pytest.mark.parametrize("name", UNASKED)
def test_every_comment_that_a_recipe_writes_of_a_slice_is_known_as_a_recipes(name: str, tmp_path) -> None:
    recipe = RECIPES[name]
    checkpoint = open_checkpoint(write_llama(tmp_path / "Tiny", layers=LAYERS))
    text = recipe.write(checkpoint, recipe.options())
    ranges = [line for line in text.splitlines() if "layer_range:" in line]
    assert len(ranges) == len(slices_of(text))
    assert [line for line in ranges if not _OF_A_SLICE.match(line)] == []
    assert EDITED in delete_slice(text, 0).text
