"""Whatever the style: an edit changes the stack as it says, no byte beside the slice, and its inverse undoes it."""

from hypothesis import assume, given, settings
from hypothesis import strategies as st

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
from engine.plan.stack import compile_plan, factor_of
from engine.plan.syntax import parse
from tests.plan.edits.written_plans import plans, ranges

TENSORS = ("self_attn.o_proj.weight", "mlp.down_proj.weight", "mlp.up_proj.weight", "input_layernorm.weight")
NAME = "new/model: é"

examples = settings(max_examples=settings.default.max_examples // 4)  # each reads several texts
"""On a busy machine one example may take long."""

plain_or_shared = st.one_of(plans(), plans(with_anchors=True))


def visits(text):
    """What each slice of a plan is, as a list of (model, layer, factor of each tensor)."""
    parsed = parse(text)
    assert parsed.plan is not None, (parsed.problems, text)
    stack = compile_plan(parsed.plan, {model: model for model in parsed.plan.models})
    slices = [[] for _ in parsed.plan.slices]
    for visit in stack.visits:
        factors = tuple(factor_of(visit.levels, tensor) for tensor in TENSORS)
        slices[visit.slice_index].append((visit.checkpoint, visit.layer, factors))
    return slices


def some_slice(data, text):
    return data.draw(st.integers(0, len(slices_of(text)) - 1), label="slice")


def lines_beside(text, index):
    """The lines before and behind a slice, of which comments next to it are not counted."""
    view, lines = slices_of(text)[index], text.splitlines(keepends=True)
    before, behind = lines[: view.first_line - 1], lines[view.last_line :]
    while before and before[-1].lstrip(" ").startswith(("#", "-")):
        before.pop()
    while behind and behind[0].lstrip(" ").startswith("#"):
        behind.pop(0)
    return "".join(before), "".join(behind)


def assert_only_the_slice_changed(text, outcome, index):
    if not outcome.note:
        before, behind = lines_beside(text, index)
        assert outcome.text.startswith(before.rstrip(", \r\n"))
        assert outcome.text.rstrip("\r\n").endswith(behind.rstrip("\r\n"))


@examples
@given(plain_or_shared)
def test_the_list_shows_what_the_plan_says(text):
    plan = parse(text).plan
    shown = [(view.models, view.start, view.end) for view in slices_of(text)]
    assert shown == [((slice_.model,), slice_.start, slice_.end) for slice_ in plan.slices]


@examples
@given(plain_or_shared, st.data(), ranges())
def test_adding_adds_one_slice(text, data, wanted):
    after = data.draw(st.none() | st.integers(0, len(slices_of(text)) - 1))
    outcome = add_slice(text, after, NAME, *wanted)
    place, before = (0 if after is None else after + 1), visits(text)
    now = visits(outcome.text)
    assert now[:place] + now[place + 1 :] == before
    added = slices_of(outcome.text)[place]
    assert (added.models, added.start, added.end) == ((NAME,), *wanted)
    assert delete_slice(outcome.text, place).text == text


@examples
@given(plain_or_shared, st.data())
def test_duplicating_adds_a_copy_and_deleting_it_gives_the_text_back(text, data):
    index = some_slice(data, text)
    outcome, before = duplicate_slice(text, index), visits(text)
    assert visits(outcome.text) == [*before[: index + 1], before[index], *before[index + 1 :]]
    assert outcome.note == ""
    assert delete_slice(outcome.text, index + 1).text == text


@examples
@given(plain_or_shared, st.data(), st.integers(1, 4))
def test_repeating_adds_that_many_copies(text, data, times):
    index = some_slice(data, text)
    before = visits(text)
    expected = [*before[: index + 1], *[before[index]] * times, *before[index + 1 :]]
    assert visits(repeat_slice(text, index, times).text) == expected


@examples
@given(plain_or_shared, st.data())
def test_deleting_removes_one_slice_and_keeps_what_others_share_with_it(text, data):
    assume(len(slices_of(text)) > 1)
    index, before = some_slice(data, text), visits(text)
    outcome = delete_slice(text, index)
    assert visits(outcome.text) == before[:index] + before[index + 1 :]
    assert_only_the_slice_changed(text, outcome, index)


@examples
@given(plain_or_shared, st.data())
def test_moving_moves_one_slice(text, data):
    index, before = some_slice(data, text), visits(text)
    to = some_slice(data, text)
    outcome = move_slice(text, index, to - index)
    expected = before[:index] + before[index + 1 :]
    assert visits(outcome.text) == [*expected[:to], before[index], *expected[to:]]


@examples
@given(plans(), st.data())
def test_moving_there_and_back_gives_the_text_back(text, data):
    index, to = some_slice(data, text), some_slice(data, text)
    there = move_slice(text, index, to - index)
    assert there.note == ""
    assert move_slice(there.text, to, index - to).text == text


@examples
@given(plain_or_shared, st.data(), ranges())
def test_a_new_range_is_that_of_one_slice_alone(text, data, wanted):
    index, old = some_slice(data, text), visits(text)
    outcome = set_range(text, index, *wanted)
    view, new = slices_of(outcome.text)[index], visits(outcome.text)
    assert (view.start, view.end) == wanted
    assert new[:index] + new[index + 1 :] == old[:index] + old[index + 1 :]
    assert_only_the_slice_changed(text, outcome, index)


@examples
@given(plans(), st.data(), ranges())
def test_a_range_put_back_gives_the_text_back(text, data, wanted):
    index = some_slice(data, text)
    view = slices_of(text)[index]
    back = set_range(set_range(text, index, *wanted).text, index, view.start, view.end).text
    assert back.replace(".0]", "]") == text.replace(".0]", "]")


@examples
@given(plain_or_shared, st.data())
def test_splitting_changes_nothing_but_the_number_of_slices(text, data):
    index, before = some_slice(data, text), visits(text)
    view = slices_of(text)[index]
    assume(view.end - view.start > 1)
    at = data.draw(st.integers(view.start + 1, view.end - 1))
    try:
        outcome = split_slice(text, index, at)
    except PlanError as error:
        assert "gradient" in error.why
        return
    whole, cut = before[index], at - view.start
    assert visits(outcome.text) == [*before[:index], whole[:cut], whole[cut:], *before[index + 1 :]]
    assert_only_the_slice_changed(text, outcome, index)


@examples
@given(plain_or_shared, st.data(), st.sampled_from([0.0, 0.5, 1.0, 1e-5, -2.0]))
def test_a_scale_reaches_the_residual_writers_of_one_slice_and_nothing_else(text, data, factor):
    index, old = some_slice(data, text), visits(text)
    outcome = set_scale(text, index, factor)
    new = visits(outcome.text)
    expected = [(model, layer, (factor, factor, *factors[2:])) for model, layer, factors in old[index]]
    assert new == [*old[:index], expected, *old[index + 1 :]]
    again = set_scale(outcome.text, index, factor)
    assert (again.text, again.note) == (outcome.text, "")
    assert_only_the_slice_changed(text, outcome, index)


@examples
@given(plans(), st.data())
def test_a_scale_taken_away_again_gives_the_text_back(text, data):
    index = some_slice(data, text)
    view = slices_of(text)[index]
    assume(view.scale is None and not view.has_other_scale)
    assert set_scale(set_scale(text, index, 0.5).text, index, None).text == text


EDITS = (
    lambda text, index, _: duplicate_slice(text, index),
    lambda text, index, _: delete_slice(text, index),
    lambda text, index, by: move_slice(text, index, by),
    lambda text, index, start: set_range(text, index, start, start + 3),
    lambda text, index, at: split_slice(text, index, at),
    lambda text, index, factor: set_scale(text, index, factor / 4),
    lambda text, index, _: set_scale(text, index, None),
)
steps = st.lists(st.tuples(st.sampled_from(EDITS), st.integers(0, 6), st.integers(-9, 9)), max_size=8)


@examples
@given(plain_or_shared, steps)
def test_no_sequence_of_edits_breaks_the_text(text, steps):
    for edit, index, number in steps:
        try:
            text = edit(text, index, number).text
        except PlanError as error:
            assert error.fix != "Fix the text first."
        assert len(visits(text)) == len(slices_of(text))
