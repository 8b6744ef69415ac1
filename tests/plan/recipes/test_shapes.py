"""What the options of each recipe do to the stack."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.checkpoint.find import opener
from engine.errors import CheckpointError, UsageError
from engine.plan.check import check_plan
from engine.plan.outputs import layer_scalings
from engine.plan.recipes import attenuated, double_each, expand_end, growing, interleave, overlap, prune, solar
from engine.plan.recipes.attenuated import Convention, Scaled
from engine.plan.syntax import parse
from tests.cases import cases
from tests.tiny import llama_shapes, write_llama, write_weights

WRITERS = {"self_attn.o_proj.weight", "mlp.down_proj.weight"}
QUERY_KEY = {"self_attn.q_proj.weight", "self_attn.k_proj.weight"}


def stack_of(text):
    checked = check_plan(text, opener())
    assert checked.ok, checked.problems
    return checked.stack


def layers_of(text):
    return [visit.layer for visit in stack_of(text).visits]


def ranges_of(text):
    return [(slice_.start, slice_.end) for slice_ in parse(text).plan.slices]


def factors_of(visit):
    return {suffix: scaling.factor for suffix, scaling in layer_scalings(visit).items()}


sizes = st.none() | st.integers(1, 34)
unhurried = settings(deadline=None)
"""On a busy machine one example may take long."""


@unhurried
@given(sizes, sizes, sizes)
def test_overlapping_slices_reach_from_end_to_end_with_the_jump_asked_for(model_of, size, jump, last):
    options = overlap.Options(size, jump, last)
    try:
        ranges = ranges_of(overlap.write(model_of(32), options))
    except UsageError:
        return
    assert (ranges[0][0], ranges[-1][1]) == (0, 32)
    assert {before[1] - after[0] for before, after in pairwise(ranges)} == {4 if jump is None else jump}
    assert ranges[-1][1] - ranges[-1][0] == (12 if last is None else last)
    assert {end - start for start, end in ranges[1:-1]} <= {9 if size is None else size}


@unhurried
@given(sizes, st.integers(1, 5), sizes)
def test_growing_slices_grow_and_the_last_is_the_largest(model_of, first, growth, jump):
    try:
        ranges = ranges_of(growing.write(model_of(32), growing.Options(first, growth, jump)))
    except UsageError:
        return
    assert (ranges[0][0], ranges[-1][1]) == (0, 32)
    assert all(after[0] < before[1] for before, after in pairwise(ranges))
    found = [end - start for start, end in ranges]
    assert [after - before for before, after in pairwise(found[:-1])] == [growth] * (len(found) - 2)
    assert found[-1] == max(found)
    if jump is None:
        assert max(Counter(layer for block in ranges for layer in range(*block)).values()) == 2


def test_double_each_doubles_in_place_or_in_runs(model_of):
    model = model_of(6)
    assert layers_of(double_each.write(model, double_each.Options((2, 4)))) == [0, 1, 2, 2, 3, 3, 4, 5]
    assert layers_of(double_each.write(model, double_each.Options((0, 6), run=4))) == [
        0,
        1,
        2,
        3,
        0,
        1,
        2,
        3,
        4,
        5,
        4,
        5,
    ]


def test_solar_and_expansion_take_any_number(model_of):
    assert layers_of(solar.write(model_of(6), solar.Options(2))) == [0, 1, 2, 3, 2, 3, 4, 5]
    assert layers_of(expand_end.write(model_of(6), expand_end.Options(3))) == [0, 1, 2, 3, 4, 5, 5, 5, 5]


@cases("scale", [0.0, 0.5, 1e-12])
def test_interleaved_copies_write_the_share_asked_for(model_of, scale):
    text = interleave.write(model_of(6), interleave.Options((2, 4), copies=1, scale=scale))
    visits = stack_of(text).visits
    assert [visit.layer for visit in visits] == [0, 1, 2, 2, 3, 3, 4, 5]
    assert [factors_of(visit) for visit in visits] == [
        dict.fromkeys(WRITERS, scale) if visit.repeat else {} for visit in visits
    ]


@cases(
    ("options", "residual", "attention"),
    [
        ({}, 0.7071067812, 0.8408964153),
        ({"convention": Convention.CORRELATED}, 0.5, 0.7071067812),
        ({"convention": Convention.CORRELATED, "scaled": Scaled.ATTENTION}, None, 0.7071067812),
        ({"scaled": Scaled.RESIDUAL}, 0.7071067812, None),
        ({"times": 3, "convention": Convention.CORRELATED}, 0.3333333333, 0.5773502692),
        ({"times": 4}, 0.5, 0.7071067812),
    ],
)
def test_every_visit_of_a_repeated_layer_is_damped_as_published(model_of, options, residual, attention):
    text = attenuated.write(model_of(6), attenuated.Options((2, 4), **options))
    visits = stack_of(text).visits
    expected = {
        **(dict.fromkeys(WRITERS, residual) if residual else {}),
        **(dict.fromkeys(QUERY_KEY, attention) if attention else {}),
    }
    assert [visit.layer for visit in visits].count(2) == options.get("times", 2)
    for visit in visits:
        assert factors_of(visit) == (expected if visit.layer in (2, 3) else {})


def test_attenuated_runs_are_repeated_together(model_of):
    assert layers_of(attenuated.write(model_of(6), attenuated.Options((1, 5), run=2))) == [0, 1, 2, 1, 2, 3, 4, 3, 4, 5]


def odd_attention(directory, renamed, **config):
    """A llama whose attention has other tensors: new suffix of each that is renamed, None to leave it out."""
    write_llama(directory, config=config)
    shapes = {}
    for name, shape in llama_shapes(6, 8, 16, 16, tied=False).items():
        part = next((part for part in renamed if part in name), None)
        if part is None:
            shapes[name] = shape
        elif renamed[part]:
            shapes[name.replace(part, renamed[part])] = shape
    write_weights(directory, shapes)
    return opener()(str(directory))


@pytest.mark.parametrize(
    ("renamed", "config", "why"),
    [
        ({"q_proj": "qkv_proj", "k_proj": None, "v_proj": None}, {}, "are not separate tensors"),
        ({"post_attention_layernorm": "self_attn.q_norm"}, {}, "a norm follows"),
        ({}, {"use_qk_norm": True}, "a norm follows"),
    ],
)
def test_attention_that_cannot_be_damped_is_refused_and_the_residual_still_can(tmp_path, renamed, config, why):
    model = odd_attention(tmp_path / "m", renamed, **config)
    with pytest.raises(CheckpointError, match=why) as raised:
        attenuated.write(model, attenuated.Options())
    assert "scaled: residual" in raised.value.fix
    text = attenuated.write(model, attenuated.Options(scaled=Scaled.RESIDUAL))
    assert set(factors_of(stack_of(text).visits[-3])) == WRITERS


def test_prune_drops_the_deepest_that_are_not_protected(model_of):
    assert layers_of(prune.write(model_of(8), prune.Options())) == [0, 1, 2, 3, 4, 7]
    assert layers_of(prune.write(model_of(8), prune.Options(3, protect_last=2))) == [0, 1, 2, 6, 7]


def test_prune_drops_the_blocks_that_are_named(model_of):
    text = prune.write(model_of(8), prune.Options(drop=((6, 8), (1, 3), (2, 4))), ["because"])
    assert layers_of(text) == [0, 4, 5]
    assert text.splitlines()[0].startswith("# Drops layers 1 to 3, layers 6 to 7 of ")
    assert text.splitlines()[1] == "# because"


def test_the_flattest_block_lies_between_the_protected_ends(model_of):
    angles = {(start, start + 2): 0.1 * start for start in range(7)} | {(3, 5): float("nan"), (6, 8): 0.0}
    assert prune.flattest(model_of(8), prune.Options(2), angles) == (2, 4)


def test_the_least_influential_layers_are_chosen_one_by_one(model_of):
    influences = [0.0, 0.0, 0.9, 0.1, 0.3, 0.2, float("nan"), 0.0]
    assert prune.least_influential(model_of(8), prune.Options(2), influences) == ((3, 4), (5, 6))
    assert prune.least_influential(model_of(8), prune.Options(3), influences) == ((3, 6),)
