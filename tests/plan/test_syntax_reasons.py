"""What is said of a text that is not YAML: the line to change, the fault in plain words, and the fix."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.plan.syntax.events import PlanSyntaxError
from engine.plan.syntax.tree import read_trees
from tests.cases import cases

SLICES = """\
merge_method: passthrough
slices:
  - sources:
      - model: m
        layer_range: [0, 9]
  - sources:
      - model: m
        layer_range: [9, 18]
"""
FAULTS = [
    ("layer_range: [9, 18]", "layer_range36[9, 18]", 8, "neither a key nor a list item"),
    ("layer_range: [9, 18]", "layer_range:[9, 18]", 8, "no space after its colon"),
    ("slices:\n", "x garbage\nslices:\n", 2, "neither a key nor a list item"),
    ("merge_method: passthrough", "merge_method:passthrough", 1, "no space after its colon"),
    ("slices:\n", "  slices:\n", 2, "indented more than the line above"),
    ("merge_method: passthrough", "merge_method: pass: through", 1, "second key"),
    ("[0, 9]", "[0, 9", 5, "this `[` is not closed"),
    ("[9, 18]", "[9, 18", 8, "this `[` is not closed"),
    ("[0, 9]", "{a: 1", 5, "this `{` is not closed"),
    ("[0, 9]", "[0, , 9]", 5, "a value is missing before `,`"),
    ("[0, 9]", '["0" "9"]', 5, "a comma is missing"),
    ("[0, 9]", "[0, 9]]", 5, "`]` has no opening bracket"),
    ("        layer_range: [0", "\tlayer_range: [0", 5, "a tab"),
    ("model: m", "model: @m", 4, "cannot start with `@`"),
    ("model: m", 'model: "m', 4, "this quote is not closed"),
    ("model: m", "model: 'm", 4, "this quote is not closed"),
    ("model: m", 'model: "a" b', 4, "after the end of a value"),
    ("model: m", 'model: "a\\q"', 4, "double quotes"),
    ("model: m", "model: *", 4, "an alias, but no name"),
    ("        layer_range: [0", "     layer_range: [0", 5, "not aligned"),
    ("9]\n  - sources:", "9]\n  sources:", 6, "does not start with `- `"),
    ("slices:\n  - sources", "slices: - sources", 2, "on the line of its key"),
]  # fmt: skip
"""What is written instead of what, the line that is to be changed, and words that are said of it."""


@cases(("good", "bad", "line", "said"), FAULTS, ids=[bad.strip()[:24] for _, bad, _, _ in FAULTS])
def test_a_fault_is_told_in_its_line_in_plain_words_with_a_remedy(good: str, bad: str, line: int, said: str) -> None:
    assert good in SLICES
    with pytest.raises(PlanSyntaxError) as caught:
        read_trees(SLICES.replace(good, bad, 1))
    assert (caught.value.place.line, said in caught.value.message) == (line, True), caught.value.message
    assert caught.value.fix.endswith(".")
    assert not {"scalar", "token", "node"} & set(caught.value.message.split())


@given(st.text(), st.integers(0, len(SLICES)), st.integers(0, 12))
def test_whatever_is_typed_is_told_in_a_line_that_the_text_has(typed: str, at: int, without: int) -> None:
    text = SLICES[:at] + typed + SLICES[at + without :]
    try:
        read_trees(text)
    except PlanSyntaxError as error:
        assert 1 <= error.place.line <= len(text.splitlines()) + 1
        assert error.message
