"""What a layout promises: files that safetensors reads, within the size asked for, aligned."""

import json
import math
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open

from engine.checkpoint.formats.format import StoredTensor
from engine.checkpoint.formats.safetensors_header import TYPES, parse_header
from engine.merge.layout import lay_out
from engine.plan.outputs import OutputTensor, output_tensors
from tests.cases import cases
from tests.merge.stacks import stack_of

DTYPES = st.sampled_from(["F64", "F32", "BF16", "I8", "F8_E4M3", "BOOL"])
SHAPES = st.lists(st.integers(0, 5), max_size=3).map(tuple)


def copied_tensor(name, dtype, shape, begin=0):
    nbytes = math.prod(shape) * TYPES[dtype].nbytes // TYPES[dtype].elements
    return OutputTensor(name, shape, dtype, (StoredTensor(name, dtype, shape, Path("a"), begin, begin + nbytes),))


@st.composite
def tensor_lists(draw):
    kinds = draw(st.lists(st.tuples(DTYPES, SHAPES), min_size=1, max_size=12))
    return [copied_tensor(f"model.layers.{i // 3}.t{i}", *kind, begin=1000 * i) for i, kind in enumerate(kinds)]


@given(tensor_lists(), st.integers(1, 400))
def test_every_header_passes_the_strict_reader_and_names_every_tensor_once(tensors, max_shard_size):
    layout = lay_out(tensors, max_shard_size)
    found = [
        (tensor.name, tensor.dtype, tensor.shape)
        for shard in layout.shards
        for tensor in parse_header(shard.header[8:], shard.nbytes, Path(shard.name)).tensors
    ]
    assert sorted(found) == sorted((t.name, t.dtype, t.shape) for t in tensors)


@given(tensor_lists())
def test_data_begins_at_a_cache_line(tensors):
    """Else the weights, mapped from the file, would round in the last bit otherwise than in another file."""
    assert len(lay_out(tensors).shards[0].header) % 64 == 0


@given(tensor_lists())
def test_every_tensor_starts_at_a_multiple_of_its_element(tensors):
    for placed in lay_out(tensors).shards[0].tensors:
        assert placed.begin % TYPES[placed.tensor.dtype].nbytes == 0


@given(tensor_lists(), st.integers(1, 400))
def test_only_a_single_tensor_may_exceed_the_shard_size(tensors, max_shard_size):
    for shard in lay_out(tensors, max_shard_size).shards:
        assert len(shard.tensors) == 1 or shard.nbytes - len(shard.header) <= max_shard_size


def test_safetensors_opens_what_was_laid_out(base, tmp_path):
    (shard,) = lay_out(output_tensors(stack_of(base))).shards
    (tmp_path / shard.name).write_bytes(shard.header.ljust(shard.nbytes, b"\0"))
    with safe_open(tmp_path / shard.name, "numpy") as opened:
        assert opened.metadata() == {"format": "pt"}
        assert opened.get_tensor("model.layers.7.mlp.up_proj.weight").shape == (16, 8)


def test_one_file_needs_no_index(base):
    layout = lay_out(output_tensors(stack_of(base)))
    assert [shard.name for shard in layout.shards] == ["model.safetensors"]
    assert layout.texts.keys() == {"config.json"}


def test_the_index_names_each_tensors_shard_and_the_bytes_of_all(base):
    layout = lay_out(output_tensors(stack_of(base)), 4000)
    index = json.loads(layout.texts["model.safetensors.index.json"])
    assert index["weight_map"] == {p.tensor.name: shard.name for shard in layout.shards for p in shard.tensors}
    assert set(index["weight_map"].values()) == {f"model-{n:05}-of-00006.safetensors" for n in range(1, 7)}
    assert index["metadata"]["total_size"] == sum(p.end - p.begin for s in layout.shards for p in s.tensors)


@cases("dtype", ["BF16", "F16"])
def test_a_cast_tensor_takes_the_bytes_of_its_new_dtype(base, dtype):
    (shard,) = lay_out(output_tensors(stack_of(base, dtype=dtype))).shards
    assert all(placed.end - placed.begin == placed.tensor.pieces[0].nbytes // 2 for placed in shard.tensors)
