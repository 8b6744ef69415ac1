"""Every place that says how deep a model is says the new depth; what says another tower's depth keeps it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.checkpoint.checkpoint import Checkpoint, open_checkpoint
from engine.checkpoint.config import parse_config
from engine.checkpoint.formats.format import StoredTensor
from engine.errors import CheckpointError
from engine.plan.outputs import output_config
from engine.plan.stack import Donor, Stack, Visit
from tests.tiny import write_llama

DEPTH = 6
DECODER = {"model_type": "qwen2_5_vl_text", "hidden_size": 8, "num_hidden_layers": DEPTH, "layer_types": list("abcdef")}
VISION = {"depth": DEPTH, "num_hidden_layers": DEPTH, "hidden_size": 8}
CONFIGS: dict[str, tuple[dict[str, Any], list[tuple[str, ...]]]] = {
    "at the top": ({"num_hidden_layers": DEPTH}, [("num_hidden_layers",)]),
    "under two names": ({"num_hidden_layers": DEPTH, "n_layer": DEPTH}, [("num_hidden_layers",), ("n_layer",)]),
    "in a part": ({"text_config": DECODER, "vision_config": VISION}, [("text_config", "num_hidden_layers")]),
    "in a part and at the top": (
        {**DECODER, "model_type": "qwen2_5_vl", "text_config": DECODER, "vision_config": VISION},
        [("num_hidden_layers",), ("text_config", "num_hidden_layers")],
    ),
    "as a float": ({"num_hidden_layers": 6.0}, [("num_hidden_layers",)]),
}
"""A config.json, and where it says the decoder's depth."""


def checkpoint_of(config: dict[str, Any], depth: int = DEPTH, prefix: str = "model.layers.") -> Checkpoint:
    names = [*(f"{prefix}{layer}.mlp.weight" for layer in range(depth)), "vision.blocks.0.weight", "lm_head.weight"]
    tensors = {name: StoredTensor(name, "F32", (2,), Path("m/x"), 8 * i, 8 * i + 8) for i, name in enumerate(names)}
    return Checkpoint("m", Path("m"), parse_config(json.dumps(config), Path("m/config.json"), tensors), tensors)


def after(checkpoint: Checkpoint, layers: Sequence[int]) -> Any:
    visits = tuple(Visit.whole(checkpoint, layer, 0) for layer in layers)
    return json.loads(output_config(Stack(visits, Donor(checkpoint), Donor(checkpoint), checkpoint)).text)


def value_at(data: Any, path: Sequence[str]) -> Any:
    for key in path:
        data = data[key]
    return data


@pytest.mark.parametrize("kind", CONFIGS)
@given(layers=st.lists(st.integers(0, DEPTH - 1), min_size=1, max_size=2 * DEPTH))
def test_every_place_that_says_the_depth_says_the_stacks(kind: str, layers: list[int]) -> None:
    config, places = CONFIGS[kind]
    new = after(checkpoint_of(config), layers)
    assert [value_at(new, path) for path in places] == [len(layers)] * len(places)
    assert new.get("vision_config") == config.get("vision_config")


def test_lists_in_both_places_are_gathered() -> None:
    new = after(checkpoint_of(CONFIGS["in a part and at the top"][0]), [0, 1, 1, 5])
    assert new["layer_types"] == new["text_config"]["layer_types"] == list("abbf")


def test_what_is_nested_is_read_where_two_places_disagree_and_the_tensors_decide() -> None:
    config = {"num_hidden_layers": 6, "text_config": {"num_hidden_layers": 7}}
    assert checkpoint_of(config, depth=7).config.tower == ("text_config",)
    assert checkpoint_of(config, depth=6).config.tower == ()


def test_a_list_tells_the_depth_where_no_key_does() -> None:
    new = after(checkpoint_of({"model_type": "nemotron_h", "layers_block_type": list("mam-ma")}), [0, 1, 2, 1, 2, 3])
    assert new == {"model_type": "nemotron_h", "layers_block_type": list("mamam-")}


def test_a_pattern_of_letters_tells_the_depth_where_no_key_does() -> None:
    new = after(checkpoint_of({"model_type": "nemotron_h", "hybrid_override_pattern": "M*M-M*"}), [0, 1, 1])
    assert new["hybrid_override_pattern"] == "M**"


def test_the_tensors_tell_the_depth_where_the_config_does_not() -> None:
    checkpoint = checkpoint_of({"model_type": "brandnew"}, prefix="backbone.layers.")
    assert checkpoint.layer_count == DEPTH
    assert after(checkpoint, [0, 1, 1])["num_hidden_layers"] == 3


def test_a_model_of_two_sublayers_a_layer_keeps_twice_the_count() -> None:
    config = {"model_type": "longcat_flash", "num_layers": 6, "num_hidden_layers": 12}
    checkpoint = checkpoint_of(config)
    assert checkpoint.layer_count == DEPTH
    assert after(checkpoint, [0, 1, 1, 2]) == {"model_type": "longcat_flash", "num_layers": 4, "num_hidden_layers": 8}


def test_nested_lists_and_objects_follow_the_layers_and_lists_of_frequencies_do_not() -> None:
    config = {
        "num_hidden_layers": DEPTH,
        "sparse": {"sparse_layers": [0, 5], "windows": [1, 2, 3, 4, 5, 6], "per_layer": {"5": "x"}},
        "rope_scaling": {"long_factor": [1, 2, 3, 4, 5, 6]},
        "id2label": {str(label): "x" for label in range(DEPTH)},
    }
    assert after(checkpoint_of(config), [0, 5, 5]) == {
        "num_hidden_layers": 3,
        "sparse": {"sparse_layers": [0, 1, 2], "windows": [1, 6, 6], "per_layer": {"1": "x", "2": "x"}},
        "rope_scaling": config["rope_scaling"],
        "id2label": config["id2label"],
    }


def test_an_opened_directory_without_a_depth_is_read_by_its_tensors(tmp_path: Path) -> None:
    directory = write_llama(tmp_path / "m", layers=5)
    config = json.loads((directory / "config.json").read_text())
    del config["num_hidden_layers"]
    (directory / "config.json").write_text(json.dumps(config))
    assert open_checkpoint(directory).layer_count == 5


def test_stacks_of_several_depths_leave_an_unsaid_depth_open() -> None:
    names = [*(f"a.layers.{n}.w" for n in range(3)), *(f"b.layers.{n}.w" for n in range(4))]
    with pytest.raises(CheckpointError, match="does not state the number of layers") as caught:
        parse_config('{"model_type": "x"}', Path("config.json"), names)
    assert "stacks of 3, 4 layers" in str(caught.value)
