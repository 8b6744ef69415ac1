"""What the recipe dlec promises, given measurements."""

import pytest

from engine.checkpoint.find import opener
from engine.errors import UsageError
from engine.plan.check import check_plan
from engine.plan.recipes import dlec
from engine.plan.recipes.blocks import layers_for_growth
from tests.cases import cases
from tests.tiny import write_llama


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return opener()(str(write_llama(tmp_path_factory.mktemp("models") / "m", layers=10)))


def layers_of(text):
    checked = check_plan(text, opener())
    assert checked.problems == ()
    return [visit.layer for visit in checked.stack.visits]


def test_candidates_leave_the_protected_ends_alone():
    assert dlec.candidate_blocks(10, dlec.Options(layers=6)) == [(2, 8), (3, 9)]
    assert dlec.candidate_singles(6, dlec.Options(layers=1)) == [(2, 3), (3, 4), (4, 5)]


@cases("layers", [0, -1, 8])
def test_a_budget_that_does_not_fit_names_the_one_that_does(layers):
    with pytest.raises(UsageError, match="1 to 7"):
        dlec.candidate_blocks(10, dlec.Options(layers=layers))


def test_ends_are_protected_or_not_and_a_shortlist_has_a_candidate():
    assert dlec.candidate_blocks(4, dlec.Options(layers=3, protect_first=-1, protect_last=0)) == [(0, 3), (1, 4)]
    with pytest.raises(UsageError, match="shortlist of 0"):
        dlec.candidate_blocks(10, dlec.Options(layers=2, shortlist=0))


def test_the_shortlist_has_the_lowest_residuals_first():
    residuals = {(2, 4): 0.3, (3, 5): 0.1, (4, 6): 0.2, (9, 10): 0.0}
    assert dlec.shortlisted(residuals, [(2, 4), (3, 5), (4, 6)], 2) == [(3, 5), (4, 6)]


def test_one_block_is_visited_again_right_after_itself(model):
    assert layers_of(dlec.write(model, [(3, 6)], ["because"])) == [0, 1, 2, 3, 4, 5, 3, 4, 5, 6, 7, 8, 9]


def test_several_blocks_are_each_visited_again(model):
    text = dlec.write(model, [(7, 8), (2, 3), (3, 4)], [])
    assert layers_of(text) == [0, 1, 2, 2, 3, 3, 4, 5, 6, 7, 7, 8, 9]


def test_the_reason_stands_at_the_top(model):
    assert dlec.write(model, [(3, 6)], ["measured: 9.6 %"]).splitlines()[1] == "# measured: 9.6 %"


def test_growth_is_counted_in_layers(model):
    layer = sum(tensor.nbytes for tensor in model.layer_tensors(5))
    assert layers_for_growth(model, 3 * layer / model.nbytes) == 3
    assert layers_for_growth(model, 0.0001) == 1
