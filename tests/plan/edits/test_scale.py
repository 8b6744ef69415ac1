"""What setting a scale writes, in each form that mergekit's users give it."""

import pytest

from engine.errors import PlanError
from engine.plan.edits import set_scale, slices_of
from tests.cases import cases

BLOCK = """\
merge_method: passthrough
slices:
- sources:
  - model: A
    layer_range: [0, 4]
"""
WRITERS = "[{filter: o_proj, value: 0.5}, {filter: down_proj, value: 0.5}"


def with_parameters(*lines):
    return BLOCK + "".join(f"    {line}\n" for line in ("parameters:", *lines))


def test_a_scale_is_written_as_the_recipes_write_it():
    lines = ["  scale:", "    - {filter: o_proj, value: 0.0}", "    - {filter: down_proj, value: 0.0}"]
    assert set_scale(BLOCK, 0, 0.0).text == with_parameters(*lines)


def test_filters_of_other_families_may_be_given():
    text = set_scale(BLOCK, 0, 0.0, ["attn.c_proj", "mlp.c_proj"]).text
    assert "{filter: attn.c_proj, value: 0.0}" in text
    assert set_scale(text, 0, None, ["attn.c_proj", "mlp.c_proj"]).text == BLOCK


def test_a_new_factor_changes_the_figures_alone():
    text = with_parameters(
        "  scale:  # inert", "  - filter: down_proj", "    value: 0  # mlp", "  - {filter: o_proj, value: 0.0}"
    )
    changed = text.replace("value: 0  #", "value: 0.5  #").replace("value: 0.0", "value: 0.5")
    assert set_scale(text, 0, 0.5).text == changed


@cases(
    ("old", "new"),
    [
        ("scale: 0.25  # all", f"scale: {WRITERS}, {{value: 0.25}}]  # all"),
        ("scale: [0, 1]", f"scale: {WRITERS}, {{value: [0, 1]}}]"),
        ("scale: [{value: 2}, {filter: o_proj, value: 3}]", f"scale: {WRITERS}, {{value: 2}}]"),
        ("scale: [{filter: mlp, value: 2}]", f"scale: {WRITERS}, {{filter: mlp, value: 2}}]"),
    ],
)
def test_what_scaled_other_tensors_goes_on_scaling_them(old, new):
    assert set_scale(with_parameters(f"  {old}"), 0, 0.5).text == with_parameters(f"  {new}")


def test_a_gradient_in_block_style_becomes_an_entry_of_the_list():
    text = set_scale(with_parameters("  scale:", "  - 0", "  - 1", "# end"), 0, 0.5).text
    entries = ["{filter: o_proj, value: 0.5}", "{filter: down_proj, value: 0.5}", "{value: [0, 1]}"]
    assert text == with_parameters("  scale:", *(f"  - {entry}" for entry in entries), "# end")


def test_taking_a_scale_away_leaves_other_entries():
    text = with_parameters("  scale:", "  - {filter: mlp.up, value: 2}", "  - {filter: o_proj, value: 0}")
    assert set_scale(text, 0, None).text == with_parameters("  scale:", "  - {filter: mlp.up, value: 2}")


def test_a_default_of_one_goes_with_the_entries_it_was_the_default_of():
    lines = ["- {filter: o_proj, value: 0.0}", "- {filter: down_proj, value: 0.0}", "- {value: 1.0}"]
    assert set_scale(with_parameters("  scale:", *(f"    {line}" for line in lines)), 0, None).text == BLOCK


def test_taking_away_keeps_what_stands_before_and_behind():
    text = BLOCK.replace("  - model: A", "  - parameters: {scale: [{filter: o_proj, value: 0}]}  # gone\n    model: A")
    assert set_scale(text, 0, None).text == BLOCK
    flow = "merge_method: passthrough\nslices: [{sources: [{model: A, %slayer_range: [0, 4]}]}]\n"
    assert set_scale(flow % "parameters: {scale: [{filter: o_proj, value: 0}]}, ", 0, None).text == flow % ""


def test_a_scale_in_json_is_json():
    text = '{"slices": [{"sources": [{"model": "A", "layer_range": [0, 4]}]}]}'
    scaled = set_scale(text, 0, 1e-5).text
    entries = '[{"filter": "o_proj", "value": 1.0e-05}, {"filter": "down_proj", "value": 1.0e-05}]'
    assert scaled == text.replace("[0, 4]", f'[0, 4], "parameters": {{"scale": {entries}}}')
    assert set_scale(scaled, 0, None).text == text


def test_a_lone_pair_in_brackets_gets_braces():
    text = "slices: [sources: [<<: {model: A, layer_range: [0, 1]}]]\n"
    assert "[{<<: {model: A, layer_range: [0, 1]}, parameters: {scale: " in set_scale(text, 0, 0.5).text


@cases(
    ("text", "said"),
    [
        (with_parameters("  scale: 0.5"), "line 7 does not name o_proj or down_proj"),
        (BLOCK + "  parameters: {scale: 0.5}\n", "line 6 applies to it"),
        (BLOCK + "parameters: {scale: 0.5}\n", "line 6 applies to it"),
        (
            "e: &e {parameters: {scale: [{filter: o_proj, value: 0}]}}\n" + BLOCK + "    <<: *e\n",
            "`parameters` would come from line 1",
        ),
    ],
)
def test_a_scale_that_comes_from_elsewhere_is_not_taken_away(text, said):
    with pytest.raises(PlanError) as caught:
        set_scale(text, 0, None)
    assert said in caught.value.why


@cases("scale", ["abc", "{filter: o_proj, value: 0}", "[]", ""])
def test_a_scale_that_is_none_is_left_to_the_text(scale):
    with pytest.raises(PlanError, match="cannot be edited"):
        set_scale(with_parameters(f"  scale: {scale}"), 0, 0.5)


@cases(
    ("lines", "shown"),
    [
        ([], (None, False)),
        (["  scale: [{filter: o_proj, value: 0}, {filter: down_proj, value: 0.0}]"], (0.0, False)),
        (['  scale: [{filter: o_proj, value: "0.5"}, {value: 1}]'], (0.5, False)),
        (["  scale: [{filter: o_proj, value: 0}, {filter: down_proj, value: 1}]"], (None, True)),
        (["  scale: 0.5"], (None, True)),
        (["  scale: [0, 1]"], (None, True)),
        (["  scale: 1.0"], (None, False)),
    ],
)
def test_the_list_shows_a_scale_that_is_one_factor(lines, shown):
    (view,) = slices_of(with_parameters(*lines) if lines else BLOCK)
    assert (view.scale, view.has_other_scale) == shown
