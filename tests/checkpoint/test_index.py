"""What finding tensors promises: shards and index agree, and stay inside their directory."""

import json

import pytest

from engine.checkpoint.index import INDEX_FILE, read_tensors
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
    [("pytorch_model.bin", "weights_only=True"), ("m.gguf", "original"), ("x.txt", "beside config.json")],
)
def test_other_weights_are_refused_with_a_way_out(tmp_path, file, way_out):
    (tmp_path / file).touch()
    with pytest.raises(CheckpointError, match="holds no safetensors") as caught:
        read_tensors(tmp_path)
    assert way_out in str(caught.value)
