"""Unambiguous fixes are applied, no other byte changes, and the plan is checked again."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.checkpoint.find import opener
from engine.plan.check import apply_fixes
from tests.cases import cases
from tests.plan.plans import plan_of, write_models
from tests.plan.test_roundtrip import MARKS, TEXTS

PLAN = """\
# 層 of mine: paramters and scael are words here
merge_method: passthru      # typo
slices:
- sources:
  - model: A
    layer_range: [0, 4]   # all
    paramters:
      scael: {filter: o_proj, value: 0}
dtype: bfloat
"""
MEANT = (
    PLAN.replace("passthru ", "passthrough ")
    .replace("    paramters:", "    parameters:")
    .replace("scael: {filter: o_proj, value: 0}", "scale: [{filter: o_proj, value: 0}]")
    .replace("bfloat", "bfloat16")
)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    return write_models(tmp_path_factory.mktemp("models"), {"A": {}, "B": {}})


def fixed(models, text):
    open_checkpoint = opener()
    return apply_fixes(text, lambda name: open_checkpoint(models.get(name, name)))


@cases("start", ["", "\ufeff"])
@cases("newline", ["\n", "\r\n"])
def test_what_is_misspelt_is_put_right_and_nothing_else_is_touched(models, start, newline):
    text, meant = (start + each.replace("\n", newline) for each in (PLAN, MEANT))
    result = fixed(models, text)
    assert result.checked.text == meant
    assert result.checked.ok
    assert [problem.rule for problem in result.fixed] == [
        "merge-method", "unknown-key", "dtype", "unknown-key", "lone-filter"
    ]  # fmt: skip


def test_a_model_in_a_form_that_mergekit_refuses_is_written_in_its_own(models):
    result = fixed(models, plan_of(("{path: A}", 0, 4)))
    assert result.checked.text == plan_of(("{model: {path: A}}", 0, 4))
    assert result.checked.problems == ()


def test_a_fixed_plan_needs_no_fix(models):
    assert fixed(models, MEANT).fixed == ()


@cases(
    "text",
    [
        plan_of(("A", 0, 4)),
        plan_of(("A", 3, 1)),
        plan_of(("A", 0, 4)) + "zebra: 1\n",
        "merge_method: slerp\n",
        "a: [",
        "",
        "layer_slices: [{model: A, start: 0, end: 4}]\n",
    ],
)
def test_what_takes_a_person_is_left_alone(models, text):
    result = fixed(models, text)
    assert (result.checked.text, result.fixed) == (text, ())


def test_a_key_that_came_through_an_alias_is_left_alone(models):
    text = "x: &x {scael: 0}\n" + plan_of(("A", 0, 4)) + "    parameters: *x\n"
    result = fixed(models, text)
    assert result.checked.text == text
    assert "(an alias of line 1)" in result.checked.problems[0].message


CHANGES = st.lists(st.tuples(st.integers(0, 600), st.integers(0, 6), st.text(MARKS + "0149AB", max_size=3)), max_size=3)


@settings(deadline=None)
@given(st.sampled_from([*TEXTS, PLAN, MEANT]), CHANGES)
def test_whatever_stands_in_a_plan_checking_and_fixing_it_never_fail(models, text, changes):
    for start, length, new in changes:
        start %= len(text) + 1
        text = text[:start] + new + text[start + length :]
    checked = fixed(models, text).checked
    assert checked.stack is not None or not checked.ok
