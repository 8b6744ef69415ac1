"""Edits of slices in plans as people write them: what changes in the text, to the byte, and what is said."""

import re
from pathlib import Path

import pytest

from engine.errors import PlanError
from engine.plan.edits import (
    add_slice,
    delete_slice,
    duplicate_slice,
    move_slice,
    repeat_slice,
    set_range,
    set_scale,
    slices_of,
    split_slice,
)
from engine.plan.syntax import parse
from tests.cases import cases

SAMPLES = Path(__file__).parents[3] / "sample_plans"

SHARED = """\
merge_method: passthrough
slices:
# the whole model
- &whole  # all of it
  sources:
  - model: A
    layer_range: [0, 4]  # four layers
    # to the end
- sources: [{model: B, layer_range: &few [3, 5]}]

- *whole  # again
- sources: [{model: C, layer_range: *few}]
"""

COMMENTED = """\
merge_method: passthrough
slices:
  # the first
  - sources:
      - model: A
        layer_range: [0, 4]
        # parameters: {scale: 0.5}

  # about nothing

  # the second
  - sources:
      - model: B
        layer_range: [2, 6]
"""

JSON = """\
{
  "merge_method": "passthrough",
  "slices": [
    {"sources": [{"model": "A", "layer_range": [0, 4]}]},
    {"sources": [{"model": "B", "layer_range": [2, 6]}]}
  ]
}
"""


def replaced(text, old, new):
    """`text` with its only `old` replaced."""
    assert text.count(old) == 1
    return text.replace(old, new)


def refusal(edit, *arguments):
    with pytest.raises(PlanError) as caught:
        edit(*arguments)
    return caught.value


def test_a_new_slice_is_written_like_its_neighbours():
    added = "  - sources:\n      - model: 'new: one'\n        layer_range: [7, 9]\n"
    assert add_slice(COMMENTED, 1, "new: one", 7, 9).text == COMMENTED + added
    assert add_slice(JSON, 0, "C", 7, 9).text == replaced(
        JSON, "[0, 4]}]},\n", '[0, 4]}]},\n    {"sources": [{"model": "C", "layer_range": [7, 9]}]},\n'
    )
    assert "- sources: [{model: B, layer_range: &few [3, 5]}]\n- sources:\n" in add_slice(SHARED, 1, "C", 1, 2).text


def test_a_new_slice_has_the_line_ends_of_its_plan():
    text = COMMENTED.replace("\n", "\r\n")
    assert "\n" not in add_slice(text, 0, "C", 1, 2).text.replace("\r\n", "")


@cases(
    "text",
    [
        "",
        "# nothing yet",
        "merge_method: passthrough\nslices:  # none\ndtype: float16\n",
        "merge_method: passthrough\r\nslices: []\r\n",
        '{"merge_method": "passthrough", "slices": []}',
    ],
)
def test_an_empty_plan_gets_its_first_slice(text):
    assert slices_of(text) == []
    plan = parse(add_slice(text, None, "org/model", 0, 4).text).plan
    assert [(slice_.model, slice_.start, slice_.end) for slice_ in plan.slices] == [("org/model", 0, 4)]


def test_comments_above_a_slice_and_inside_it_move_with_it_and_those_set_off_stay():
    assert (
        move_slice(COMMENTED, 0, 1).text
        == """\
merge_method: passthrough
slices:
  # the second
  - sources:
      - model: B
        layer_range: [2, 6]

  # about nothing

  # the first
  - sources:
      - model: A
        layer_range: [0, 4]
        # parameters: {scale: 0.5}
"""
    )


def test_comments_above_a_slice_and_inside_it_are_deleted_with_it():
    assert (
        delete_slice(COMMENTED, 0).text
        == """\
merge_method: passthrough
slices:

  # about nothing

  # the second
  - sources:
      - model: B
        layer_range: [2, 6]
"""
    )


def test_a_new_bound_changes_the_figure_alone():
    assert set_range(COMMENTED, 1, 2, 7).text == replaced(COMMENTED, "[2, 6]", "[2, 7]")
    quoted = replaced(COMMENTED, "[2, 6]", '["2",  6.0 ]')
    assert set_range(quoted, 1, 3, 6).text == replaced(quoted, '"2"', '"3"')


def test_an_alias_that_is_edited_stands_on_its_own_and_says_so():
    outcome = set_range(SHARED, 2, 1, 4)
    assert outcome.note == "slice 3 was an alias of line 4 and is now a copy"
    written = "-  # again\n  sources:\n  - model: A\n    layer_range: [1, 4]  # four layers\n"
    assert outcome.text == replaced(SHARED, "- *whole  # again\n", written)


def test_an_alias_inside_a_slice_that_is_edited_stands_on_its_own():
    outcome = set_range(SHARED, 3, 3, 6)
    assert outcome.note == "`layer_range` of slice 4 was an alias of line 9 and is now a copy"
    assert outcome.text == replaced(SHARED, "layer_range: *few", "layer_range: [3, 6]")


def test_editing_what_others_share_leaves_them_what_they_were():
    outcome = set_range(SHARED, 0, 0, 2)
    assert outcome.note == "the anchor `&whole` moved from slice 1 to its first alias"
    old = replaced(replaced(SHARED, "- &whole  # all", "- # all"), "[0, 4]", "[0, 2]")
    written = "- &whole  # again\n  sources:\n  - model: A\n    layer_range: [0, 4]  # four layers\n"
    assert outcome.text == replaced(old, "- *whole  # again\n", written)


def test_deleting_what_others_share_leaves_them_what_they_were():
    outcome = delete_slice(SHARED, 1)
    assert outcome.note == "the anchor `&few` moved from slice 2 to its first alias"
    assert [(view.models, view.start, view.end) for view in slices_of(outcome.text)] == [
        (("A",), 0, 4),
        (("A",), 0, 4),
        (("C",), 3, 5),
    ]
    assert "layer_range: &few [3, 5]" in outcome.text


def test_moving_a_slice_past_its_alias_lets_them_change_places_and_back():
    moved = move_slice(SHARED, 0, 2)
    assert moved.note == "shared values moved to their new first use"
    assert "- &whole  # again\n  sources:\n" in moved.text
    assert "# the whole model\n- *whole  # all of it\n" in moved.text
    assert move_slice(moved.text, 2, -2).text == SHARED


def test_what_a_merge_key_gives_is_written_out_where_it_is_edited():
    text = """\
env: &env {model: A, layer_range: [0, 4]}
merge_method: passthrough
slices:
- sources:
  - <<: *env  # shared
- sources:
  - <<: *env
    layer_range: [2, 6]
"""
    outcome = set_range(text, 0, 0, 3)
    assert outcome.text == replaced(text, "# shared\n", "# shared\n    layer_range: [0, 3]\n")
    assert outcome.note == "`layer_range` of slice 1 was merged from line 1 through `<<` and is now written out"


def test_anchors_are_not_copied_with_a_slice():
    outcome = duplicate_slice(SHARED, 0)
    assert outcome.text.count("&whole") == 1
    assert slices_of(outcome.text)[1].alias_of is None


def test_a_split_slice_is_two_with_the_same_layers():
    views = slices_of(split_slice(COMMENTED, 1, 5).text)
    assert [(view.start, view.end) for view in views] == [(0, 4), (2, 5), (5, 6)]


def test_a_slice_whose_scale_runs_over_its_layers_is_not_split():
    text = replaced(COMMENTED, "[2, 6]\n", "[2, 6]\n        parameters: {scale: [0, 1]}\n")
    assert "line 15" in refusal(split_slice, text, 1, 4).why


def test_the_list_tells_aliases_and_sources():
    views = slices_of(SHARED)
    assert [(view.first_line, view.last_line, view.alias_of) for view in views] == [
        (4, 7, None),
        (9, 9, None),
        (11, 11, 4),
        (12, 12, None),
    ]


def test_a_slice_of_several_sources_is_listed_moved_and_deleted_but_not_given_a_range():
    two = "merge_method: passthrough\nslices:\n- sources: [{model: A, layer_range: [0, 1]}, {model: B}]\n"
    text = add_slice(two, 0, "C", 0, 1).text
    assert slices_of(text)[0].models == ("A", "B")
    assert (slices_of(text)[0].start, slices_of(text)[0].end) == (None, None)
    assert slices_of(move_slice(text, 0, 1).text)[1].models == ("A", "B")
    assert slices_of(delete_slice(text, 0).text)[0].models == ("C",)
    assert "2 sources" in refusal(set_range, text, 0, 0, 2).why


@cases(
    ("edit", "arguments", "said"),
    [
        (add_slice, (2, "A", 0, 1), "there is no slice 3: the plan has 2"),
        (add_slice, (-1, "A", 0, 1), "there is no slice 0: the plan has 2"),
        (add_slice, (None, "A", 5, 4), "[5, 4] is reversed"),
        (add_slice, (None, "\ud800", 0, 4), "not valid UTF-8"),
        (add_slice, (None, " ", 0, 4), "needs a model"),
        (delete_slice, (2,), "there is no slice 3"),
        (duplicate_slice, (-1,), "there is no slice 0"),
        (move_slice, (0, -1), "cannot be moved by -1: it is number 1 of 2"),
        (move_slice, (1, 1), "cannot be moved by +1: it is number 2 of 2"),
        (repeat_slice, (0, 0), "cannot be repeated 0 times"),
        (repeat_slice, (0, 5_000), "5,002 slices"),
        (set_range, (0, 4, 3), "[4, 3] is reversed"),
        (set_range, (0, -1, 3), "counted from 0"),
        (set_range, (5, 0, 3), "there is no slice 6"),
        (split_slice, (0, 0), "cannot be split before layer 0: its layers are 0 to 3"),
        (split_slice, (0, 4), "cannot be split before layer 4"),
        (set_scale, (0, float("nan")), "nan is not a valid factor"),
        (set_scale, (7, 0.0), "there is no slice 8"),
    ],
)
@cases("text", [COMMENTED, JSON])
def test_what_cannot_be_done_is_refused_with_the_reason(text, edit, arguments, said):
    assert said in refusal(edit, text, *arguments).line


def test_the_only_slice_stays():
    assert "at least one" in refusal(delete_slice, delete_slice(JSON, 0).text, 0).why


BROKEN = {
    "no YAML": ("slices: [", "line 1"),
    "an unknown alias": ("slices: [*gone]", "`*gone` refers to nothing"),
    "an anchor in itself": ("slices: &all [*all]", "is inside the value that it refers to"),
    "an anchor twice": ("a: &a 1\nb: &a 2\nslices: []", "`&a` is defined twice"),
    "two documents": ("slices: [{}]\n---\na: 1", "single YAML document"),
    "models": ("models: [{model: A}]", "it lists `models`"),
    "no slices": ("merge_method: passthrough", "it has no `slices`"),
    "no list": ("slices: 3", "it is text, not a list"),
    "no mapping": ("- a", "it is a list, not a mapping"),
    "no slice": ("slices: [3]", "it is text, not a mapping"),
    "a slice without sources": ("slices: [{}]", "it has no `sources`"),
    "a range without an end": ("slices: [{sources: [{model: A, layer_range: [1]}]}]", "it has 1 items"),
    "a dash behind a colon": ("? slices\n: - sources: [{model: A, layer_range: [0, 4]}]\n", "a dash shares its line"),
}


@cases(("text", "said"), BROKEN.values(), ids=BROKEN)
def test_a_text_that_cannot_be_edited_is_refused_with_the_reason(text, said):
    assert said in refusal(split_slice, text, 0, 2).line


def bare(text):
    """Without comments: what a recipe wrote of itself is no more so after an edit."""
    return re.sub(r"(?m)^#.*\n|  #.*", "", text)


def first_and_last(slices):
    """A few of them: every edit reads the whole text."""
    return [*slices[:2], *slices[-2:]]


@pytest.mark.parametrize("some", [first_and_last, pytest.param(list, marks=pytest.mark.stress)])
@pytest.mark.parametrize("sample", sorted(SAMPLES.iterdir()), ids=lambda path: path.stem)
def test_every_slice_of_the_sample_plans_can_be_edited_and_put_back(sample, some):
    text = sample.read_text()
    for index, view in some([(index, view) for index, view in enumerate(slices_of(text)) if len(view.models) == 1]):
        assert bare(set_range(set_range(text, index, 7, 9).text, index, view.start, view.end).text) == bare(text)
        assert bare(delete_slice(duplicate_slice(text, index).text, index + 1).text) == bare(text)
        if view.has_other_scale:
            continue
        if view.scale is None:
            assert bare(set_scale(set_scale(text, index, 0.0).text, index, None).text) == bare(text)
        else:
            assert bare(set_scale(set_scale(text, index, 0.5).text, index, view.scale).text) == bare(text)
