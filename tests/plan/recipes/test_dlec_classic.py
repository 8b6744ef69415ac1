"""What dlec-classic shows: the faults of the original rule, as they were."""

import pytest

from engine.checkpoint.find import opener
from engine.errors import PlanError
from engine.plan.check import check_plan
from engine.plan.recipes import dlec_classic
from tests.tiny import write_llama


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return opener()(str(write_llama(tmp_path_factory.mktemp("models") / "m", layers=32, hidden=4, intermediate=4)))


def test_with_every_layer_kept_every_fourth_is_lost_and_none_repeated(model):
    checked = check_plan(dlec_classic.write(model, [1.0] * 32), opener())
    layers = [visit.layer for visit in checked.stack.visits]
    assert len(layers) == 24
    assert set(range(32)) - set(layers) == {3, 7, 11, 15, 19, 23, 27, 31}
    assert all(visit.repeat == 0 for visit in checked.stack.visits)


def test_a_last_run_of_one_layer_is_an_empty_slice(model):
    text = dlec_classic.write(model, [0.04] * 27 + [0.05] * 5)
    assert "layer_range: [31, 31]" in text


def test_too_few_layers_are_no_plan(model):
    with pytest.raises(PlanError, match="keeps 1 of 32"):
        dlec_classic.write(model, [1.0] + [0.0] * 31)
