"""Models that add image features at their lowest layers by number: plans that move these layers are warned of."""

import pytest

from engine.errors import CheckpointError
from engine.plan.recipes import expand_end, interleave, llama_pro, zeroed_middle
from tests.plan.rules.conftest import INERT
from tests.tiny import write_llama

DEEPSTACK = {"model_type": "qwen3_vl", "vision_config": {"deepstack_visual_indexes": [1, 2, 4]}}


@pytest.fixture
def vision(workbench, tmp_path):
    workbench.add("V", write_llama(tmp_path / "V", layers=32, config=DEEPSTACK))
    return workbench


@pytest.mark.parametrize(
    ("slices", "said"),
    [
        ([(0, 2), (1, 32)], "layer 2 of the new model is layer 1"),
        ([(1, 32)], "layer 0 of the new model is layer 1"),
        ([(0, 1), (0, 1, INERT), (1, 32)], "layer 1 of the new model is layer 0"),
        ([(0, 20), (2, 32)], "layer 2 is repeated without its features"),
        ([(0, 2)], "the new model ends before layer 2"),
    ],
)
def test_a_plan_that_moves_the_lowest_layers_is_warned_of(vision, slices, said):
    found = vision.found(*(("V", *slice_) for slice_ in slices))
    assert found["added-features"] == f"V adds image features at layers 0 to 2, but {said}"


@pytest.mark.parametrize("slices", [[(0, 20), (3, 32)], [(0, 32)], [(0, 3), (2, 3, INERT), (3, 32)]])
def test_a_plan_that_leaves_them_in_place_is_not(vision, slices):
    assert "added-features" not in vision.found(*(("V", *slice_) for slice_ in slices))


@pytest.mark.parametrize(
    ("config", "fires"),
    [
        ({"model_type": "qwen3_vl"}, True),
        ({"model_type": "qwen3_vl", "vision_config": {"deepstack_visual_indexes": []}}, False),
        ({"model_type": "new", "thinker_config": {"vision_config": {"deepstack_visual_indexes": [5]}}}, True),
        ({"model_type": "new", "vision_config": {"model_type": "qwen3_vl_vision", "depth": 27}}, True),
        ({"model_type": "granite4_vision", "deepstack_layer_map": [[-1, 0], [-3, 2]]}, True),
        ({"model_type": "llama"}, False),
    ],
)
def test_the_layers_are_read_from_whatever_the_config_calls_them(workbench, tmp_path, config, fires):
    workbench.add("C", write_llama(tmp_path / "C", layers=32, config=config))
    assert ("added-features" in workbench.found(("C", 1, 32))) is fires


def test_recipes_that_promise_inert_copies_refuse_to_move_them(vision):
    checkpoint = vision.open("V")
    for write, options in (
        (llama_pro.write, llama_pro.Options(32)),
        (zeroed_middle.write, zeroed_middle.Options((0, 2))),
        (interleave.write, interleave.Options((1, 4))),
    ):
        with pytest.raises(CheckpointError, match=r"a copy of layer . of V would not be inert"):
            write(checkpoint, options)


def test_recipes_are_written_where_the_copies_stand_above_them(vision):
    checkpoint = vision.open("V")
    assert llama_pro.write(checkpoint, llama_pro.Options())
    assert expand_end.write(checkpoint, expand_end.Options())
    assert zeroed_middle.write(checkpoint, zeroed_middle.Options((0, 4)))
    assert interleave.write(checkpoint, interleave.Options((2, 8)))
    assert interleave.write(checkpoint, interleave.Options((0, 4), scale=0.5))
