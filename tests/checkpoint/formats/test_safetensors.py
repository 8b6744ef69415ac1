"""What finding tensors promises: shards and index agree, and stay inside their directory."""

import json

import pytest

from engine.checkpoint.checkpoint import open_checkpoint
from engine.checkpoint.formats.registry import read_tensors
from engine.checkpoint.formats.safetensors import INDEX_FILE, is_opened_by_transformers
from engine.errors import CheckpointError
from tests.tiny import llama_shapes, write_llama, write_safetensors, write_weights

SHAPES = llama_shapes(2, 4, 8, 8, tied=False)


def rewrite_index(directory, change):
    index = json.loads((directory / INDEX_FILE).read_text())
    change(index["weight_map"])
    (directory / INDEX_FILE).write_text(json.dumps(index))


def test_shards_together_give_every_tensor(tmp_path):
    write_weights(tmp_path, SHAPES, shards=3)
    assert {name: tensor.shape for name, tensor in read_tensors(tmp_path).items()} == SHAPES


def test_a_single_file_wins_over_an_index_as_in_transformers(tmp_path):
    write_weights(tmp_path, SHAPES, shards=2)
    write_safetensors(tmp_path / "model.safetensors", {"a.weight": (2,)})
    assert list(read_tensors(tmp_path)) == ["a.weight"]


@pytest.mark.parametrize("shard", ["../../etc/passwd", "/etc/passwd", "a/../../b", "..", "", "a\\b", "a\0b", "\ud800"])
def test_a_shard_outside_the_directory_is_refused(tmp_path, shard):
    write_weights(tmp_path, SHAPES, shards=2)
    rewrite_index(tmp_path, lambda weight_map: weight_map.update({"model.norm.weight": shard}))
    with pytest.raises(CheckpointError, match="not a file of this directory"):
        read_tensors(tmp_path)


def test_shards_may_be_symlinks_out_of_a_hub_snapshot(tmp_path):
    blobs = tmp_path / "blobs"
    snapshot = write_llama(tmp_path / "snapshot", shards=2)
    blobs.mkdir()
    for shard in snapshot.glob("*.safetensors"):
        shard.rename(blobs / shard.name)
        shard.symlink_to(f"../blobs/{shard.name}")
    assert "lm_head.weight" in read_tensors(snapshot)


def test_a_missing_shard_is_named(tmp_path):
    write_weights(tmp_path, SHAPES, shards=2)
    (tmp_path / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(CheckpointError, match="model-00002-of-00002.safetensors is missing"):
        read_tensors(tmp_path)


def test_a_tensor_missing_from_its_shard_is_named(tmp_path):
    write_weights(tmp_path, SHAPES, shards=2)
    rewrite_index(tmp_path, lambda weight_map: weight_map.update(ghost="model-00001-of-00002.safetensors"))
    with pytest.raises(CheckpointError, match="model-00001-of-00002.safetensors lacks tensor ghost"):
        read_tensors(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"weight_map": 3}', "[" * 100_000])
def test_an_index_that_is_none_is_refused(tmp_path, text):
    (tmp_path / INDEX_FILE).write_text(text)
    with pytest.raises(CheckpointError, match="not a safetensors index"):
        read_tensors(tmp_path)


@pytest.mark.parametrize(
    ("file", "way_out"),
    [("pytorch_model.bin", "weights_only=True"), ("m.gguf", "original"), ("x.txt", "next to config.json")],
)
def test_other_weights_are_refused_with_a_way_out(tmp_path, file, way_out):
    (tmp_path / file).touch()
    with pytest.raises(CheckpointError, match="holds no safetensors") as caught:
        read_tensors(tmp_path)
    assert way_out in str(caught.value)


def test_shards_without_an_index_are_opened_when_all_are_there(tmp_path):
    write_weights(tmp_path, SHAPES, shards=3)
    (tmp_path / INDEX_FILE).unlink()
    assert {name: tensor.shape for name, tensor in read_tensors(tmp_path).items()} == SHAPES
    assert not is_opened_by_transformers(tmp_path)


def lose_a_shard(directory):
    (directory / "model-00002-of-00003.safetensors").unlink()


def repeat_a_tensor(directory):
    write_safetensors(directory / "model-00002-of-00003.safetensors", {"lm_head.weight": (2,)})


def add_another_set(directory):
    write_safetensors(directory / "model-00001-of-00002.safetensors", {"a.weight": (2,)})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lose_a_shard, "2 of 3 shards and no model.safetensors.index.json: shard 2 is missing"),
        (repeat_a_tensor, "lm_head.weight is in model-00002-of-00003.safetensors and in model-00003-of-00003"),
        (add_another_set, r"shards of several checkpoints .* model-\*-of-00002, model-\*-of-00003"),
    ],
)
def test_shards_without_an_index_that_are_ambiguous_are_refused(tmp_path, change, message):
    write_weights(tmp_path, SHAPES, shards=3)
    (tmp_path / INDEX_FILE).unlink()
    change(tmp_path)
    with pytest.raises(CheckpointError, match=message):
        read_tensors(tmp_path)


@pytest.mark.parametrize(
    ("file", "message"),
    [("adapter_model.safetensors", "an adapter and no model"), ("weights.safetensors", "which no reader looks for")],
)
def test_weights_in_a_file_that_nothing_names_are_said(tmp_path, file, message):
    write_safetensors(tmp_path / file, {"a.weight": (2,)})
    with pytest.raises(CheckpointError, match=message):
        read_tensors(tmp_path)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", INDEX_FILE, "model-00002-of-00002.safetensors"])
def test_a_link_that_leads_nowhere_is_named_with_its_target(tmp_path, name):
    directory = write_llama(tmp_path / "model", shards=1 if name == "model.safetensors" else 2)
    (directory / name).unlink()
    (directory / name).symlink_to("../blobs/0123abc")
    with pytest.raises(CheckpointError, match=rf"{name} is a link to ../blobs/0123abc, which does not exist"):
        open_checkpoint(directory)
