"""What the structural check finds, and what `verify` makes of it."""

import json

import pytest

from engine.errors import CheckpointError
from engine.merge.integrity import structure_problems
from engine.tasks import loadcheck
from engine.tasks.loadcheck import LoadCheck
from engine.tasks.verify import verify
from tests.merge.stacks import merged, stack_of
from tests.tiny import llama_shapes, write_llama, write_weights


@pytest.fixture
def sound(base, tmp_path):
    merged(stack_of(base), tmp_path / "out", max_shard_size=4000, hash_sums=True)
    return tmp_path / "out"


def edit(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_fresh_merge_is_sound(sound):
    assert list(structure_problems(sound)) == []


def test_layers_that_the_config_does_not_count_are_found(tmp_path):
    directory = write_llama(tmp_path / "base", layers=4, config={"num_hidden_layers": 3})
    (problem,) = structure_problems(directory)
    assert "says 3 layers, the weights have 4" in problem


def test_announced_extra_layers_the_decoder_are_fine(tmp_path):
    config = {"num_hidden_layers": 3, "num_nextn_predict_layers": 1, "layer_types": ["full_attention"] * 4}
    assert list(structure_problems(write_llama(tmp_path / "base", layers=4, config=config))) == []


def test_a_prediction_head_announces_itself(tmp_path):
    directory = write_llama(tmp_path / "base", layers=4, config={"num_hidden_layers": 3})
    shapes = llama_shapes(4, 8, 16, 16, tied=False)
    write_weights(directory, shapes | {"model.layers.3.eh_proj.weight": (8, 16)})
    assert list(structure_problems(directory)) == []


def test_names_of_a_training_wrapper_are_found(tmp_path):
    directory = write_llama(tmp_path / "base")
    shapes = llama_shapes(6, 8, 16, 16, tied=False)
    write_weights(directory, {f"_orig_mod.{name}": shape for name, shape in shapes.items()})
    (problem,) = structure_problems(directory)
    assert "_orig_mod.model.embed_tokens.weight" in problem


def test_shards_without_an_index_are_found(sound):
    (sound / "model.safetensors.index.json").unlink()
    (problem,) = structure_problems(sound)
    assert "there are shards and no model.safetensors.index.json" in problem


def test_a_per_layer_list_of_another_length_is_found(sound):
    edit(sound / "config.json", layer_types=["full_attention"] * 6)
    (problem,) = structure_problems(sound)
    assert "6 entries in layer_types for 8 layers" in problem


def test_a_truncated_shard_is_found(sound):
    with (sound / "model-00002-of-00006.safetensors").open("r+b") as shard:
        shard.truncate(100)
    (problem,) = structure_problems(sound)
    assert "model-00002-of-00006.safetensors is not a valid safetensors file" in problem


def test_a_shard_that_no_index_names_is_found(sound):
    (sound / "model-00007-of-00007.safetensors").write_bytes((sound / "model-00001-of-00006.safetensors").read_bytes())
    (problem,) = structure_problems(sound)
    assert "model-00007-of-00007.safetensors belongs to no index" in problem


def test_a_tensor_that_no_index_names_is_found(tmp_path):
    directory = write_llama(tmp_path / "base", shards=2)
    index = directory / "model.safetensors.index.json"
    weight_map = json.loads(index.read_text())["weight_map"]
    del weight_map["lm_head.weight"]
    edit(index, weight_map=weight_map)
    (problem,) = structure_problems(directory)
    assert "holds lm_head.weight, which the index does not put there" in problem


def test_missing_layers_are_found(tmp_path):
    directory = write_llama(tmp_path / "base", layers=6)
    write_weights(directory, llama_shapes(5, 8, 16, 16, tied=False))
    (problem,) = structure_problems(directory)
    assert "do not match the config" in problem


def test_verify_counts_what_is_there(sound):
    report = verify(sound, load_check=False)
    assert (report.ok, report.layers, report.shards, report.sums_checked) == (True, 8, 6, True)
    assert report.nbytes == report.parameters * 4


def test_verify_finds_a_flipped_bit_by_its_sum(sound):
    shard = sound / "model-00003-of-00006.safetensors"
    content = bytearray(shard.read_bytes())
    content[-1] ^= 1
    shard.write_bytes(content)
    report = verify(sound, load_check=False)
    assert not report.ok
    assert report.problems == (f"{shard.name} does not match its sum in SHA256SUMS",)


def test_verify_finds_a_missing_file_by_its_sum(sound):
    (sound / "README.md").unlink()
    assert "README.md" in verify(sound, load_check=False).problems[0]


def test_verify_asks_transformers_only_about_sound_files(sound, monkeypatch):
    monkeypatch.setattr(loadcheck, "load_check", lambda *_: LoadCheck(missing=("x",)))
    assert verify(sound).loadcheck.missing == ("x",)
    assert not verify(sound).ok
    edit(sound / "config.json", layer_types=["full_attention"] * 6)
    assert verify(sound).loadcheck is None


def test_verify_refuses_what_is_no_checkpoint(tmp_path):
    with pytest.raises(CheckpointError, match="has no config.json"):
        verify(tmp_path)
