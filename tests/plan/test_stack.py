"""What compiling promises: mergekit's oracle cases for ranges, donors and scales."""

import pytest

from engine.checkpoint.find import opener
from engine.plan.stack import compile_plan, factor_of
from engine.plan.syntax import parse
from tests.cases import cases
from tests.tiny import write_llama


@pytest.fixture(scope="module")
def two_models(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    return {name: str(write_llama(root / name, layers=4, seed=seed)) for seed, name in enumerate("AB")}


def stack_of(models, slices, **top):
    """Slices as (name, start, end) or (name, start, end, scale text)."""
    lines = [
        "merge_method: passthrough",
        *(f"{key}: {models.get(value, value)}" for key, value in top.items()),
        "slices:",
    ]
    for name, start, end, *scale in slices:
        lines += ["- sources:", f"  - model: {models[name]}", f"    layer_range: [{start}, {end}]"]
        lines += [f"    parameters: {{scale: {scale[0]}}}"] if scale else []
    parsed = parse("\n".join(lines))
    assert parsed.plan, parsed.problems
    open_checkpoint = opener()
    return compile_plan(parsed.plan, {model: open_checkpoint(model) for model in parsed.plan.models})


def name_of(models, checkpoint):
    return next(name for name, path in models.items() if path == checkpoint.reference)


def test_overlapping_slices_repeat_layers(two_models):
    stack = stack_of(two_models, [("A", 0, 3), ("A", 1, 4)])
    assert [visit.layer for visit in stack.visits] == [0, 1, 2, 1, 2, 3]
    assert [visit.repeat for visit in stack.visits] == [0, 0, 0, 1, 1, 0]


@cases(
    ("slices", "top", "donors"),
    [
        ([("A", 0, 3), ("B", 1, 4)], {}, "ABA"),
        ([("A", 0, 4), ("B", 0, 0)], {}, "ABA"),
        ([("B", 0, 0), ("A", 0, 4)], {}, "BAB"),
        ([("A", 0, 4)], {"base_model": "B"}, "AAB"),
    ],
)
def test_embedding_head_and_config_come_from_mergekits_donors(two_models, slices, top, donors):
    stack = stack_of(two_models, slices, **top)
    found = (stack.embedding.checkpoint, stack.head.checkpoint, stack.config_donor)
    assert "".join(name_of(two_models, checkpoint) for checkpoint in found) == donors


def test_an_empty_slice_in_between_adds_no_layer(two_models):
    assert [visit.layer for visit in stack_of(two_models, [("A", 0, 2), ("A", 2, 2), ("A", 2, 4)]).visits] == [
        0,
        1,
        2,
        3,
    ]


def test_levels_fall_through_to_the_global_scale(two_models):
    top = {"parameters": "{scale: [{filter: down_proj, value: 0.5}]}"}
    (visit, *_) = stack_of(two_models, [("A", 0, 4, "[{filter: o_proj, value: 0}]")], **top).visits
    factors = [factor_of(visit.levels, f"model.layers.0.{part}.weight") for part in ("o_proj", "down_proj", "q_proj")]
    assert factors == [0.0, 0.5, None]


def test_the_first_match_wins(two_models):
    (visit, *_) = stack_of(two_models, [("A", 0, 1, "[{value: 1}, {filter: o_proj, value: 0}]")]).visits
    assert factor_of(visit.levels, "o_proj") == 1.0


def test_a_gradient_runs_over_the_slice(two_models):
    visits = stack_of(two_models, [("A", 0, 4, "[0, 1]")]).visits
    assert [factor_of(visit.levels, "x") for visit in visits] == pytest.approx([0, 1 / 3, 2 / 3, 1])


def test_a_gradient_over_one_layer_takes_its_last_value(two_models):
    (visit,) = stack_of(two_models, [("A", 2, 3, "[0, 0.25]")]).visits
    assert factor_of(visit.levels, "x") == 0.25


def test_a_filter_sees_the_source_layers_number(two_models):
    visits = stack_of(two_models, [("A", 1, 4, "[{filter: layers.2., value: 0}]")]).visits
    names = [visit.checkpoint.anatomy.layer_tensor(visit.layer, "w") for visit in visits]
    assert [factor_of(v.levels, name) for v, name in zip(visits, names, strict=True)] == [None, 0.0, None]
