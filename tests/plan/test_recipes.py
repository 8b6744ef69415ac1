"""What recipes promise: text that a person can read, that checks clean, and that means what was asked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.checkpoint.find import opener
from engine.errors import UsageError
from engine.plan.check import check_plan
from engine.plan.outputs import layer_scalings
from engine.plan.recipes import llama_pro, repeat
from engine.plan.recipes.text import SliceText, plan_text
from engine.plan.syntax import parse
from tests.cases import cases
from tests.tiny import write_llama


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return opener()(str(write_llama(tmp_path_factory.mktemp("models") / "with space & colon: é", layers=6)))


def layers_of(text):
    checked = check_plan(text, opener())
    assert checked.ok
    return [visit.layer for visit in checked.stack.visits]


def test_repeat_visits_the_block_again_right_after_itself(model):
    assert layers_of(repeat.write(model, repeat.Options((2, 4)))) == [0, 1, 2, 3, 2, 3, 4, 5]


def test_repeat_reaches_either_edge(model):
    assert layers_of(repeat.write(model, repeat.Options((0, 6)))) == [0, 1, 2, 3, 4, 5] * 2
    assert layers_of(repeat.write(model, repeat.Options((5, 6)))) == [0, 1, 2, 3, 4, 5, 5]


def test_repeat_many_times_is_written_and_warned_of(model):
    checked = check_plan(repeat.write(model, repeat.Options((2, 3), times=3)), opener())
    assert [visit.layer for visit in checked.stack.visits] == [0, 1, 2, 2, 2, 2, 3, 4, 5]
    assert {problem.rule for problem in checked.problems} == {"repeats"}


@cases("options", [((3, 3),), ((4, 2),), ((-1, 2),), ((0, 7),), ((1, 2), 0), ((1, 2), 30_000_000)])
def test_repeat_refuses_what_is_no_block(model, options):
    with pytest.raises(UsageError):
        repeat.write(model, repeat.Options(*options))


def test_the_middle_block_adds_about_the_share_asked_for(model):
    assert repeat.middle_block(model, 1 / 3) == (2, 4)


@cases("groups", [1, 2, 3, 6])
def test_llama_pro_adds_one_inert_copy_after_each_group(model, groups):
    checked = check_plan(llama_pro.write(model, llama_pro.Options(groups)), opener())
    assert checked.problems == ()
    copies = [visit for visit in checked.stack.visits if visit.levels]
    assert len(copies) == groups
    assert copies[-1].layer == 5
    assert all(visit.repeat == 1 for visit in copies)
    assert set(layer_scalings(copies[0])) == {"self_attn.o_proj.weight", "mlp.down_proj.weight"}


def test_a_name_with_a_line_break_injects_nothing(tmp_path):
    odd = opener()(str(write_llama(tmp_path / "m\nmerge_method: evil\x1b[31m")))
    assert layers_of(repeat.write(odd, repeat.Options((2, 4)))) == [0, 1, 2, 3, 2, 3, 4, 5]


@cases("groups", [0, 7, -1])
def test_llama_pro_refuses_groups_that_do_not_fit(model, groups):
    with pytest.raises(UsageError, match="groups are not possible"):
        llama_pro.write(model, llama_pro.Options(groups))


@given(st.text(min_size=1, max_size=30).filter(lambda text: text.strip() and "+" not in text))
def test_any_model_name_survives_the_text(name):
    parsed = parse(plan_text(["title"], name, [SliceText(0, 1, "a layer")]))
    assert parsed.plan is not None, parsed.problems
    assert parsed.plan.slices[0].model == name
