"""A checkpoint in another format is planned, merged and verified through nothing but an entry in the registry.

The toy format keeps a whole checkpoint in files `part-N.toy`: a line of JSON (settings, tensors and their places), then
the bytes of the tensors, each padded to 32 bytes. One of its types has blocks of four elements in three bytes.
"""

import json
import math
import os
from pathlib import Path

import pytest

from engine.checkpoint.checkpoint import open_checkpoint
from engine.checkpoint.config import ConfigFile
from engine.checkpoint.formats import registry
from engine.checkpoint.formats.format import Block, Format, Header, NewFile, PlacedTensor, StoredTensor
from engine.errors import CheckpointError, PlanError
from engine.merge.integrity import SUMS_FILE, structure_problems
from tests.merge.stacks import ZEROED, merged, partial_model, stack_of
from tests.tiny import write_llama

TYPES = {"F32": Block(1, 4), "QUAD": Block(4, 3)}
ALIGNMENT = 32
PADDED = 16384
"""Bytes of every header."""


def is_own(name):
    return name.endswith(".toy")


def weight_files(directory):
    return sorted(file for file in Path(directory).iterdir() if is_own(file.name))


def head_of(path):
    return json.loads(path.read_bytes()[:PADDED])


def read_header(path):
    try:
        claims = head_of(path)["tensors"]
    except ValueError as error:
        raise CheckpointError(f"{path} is not a toy") from error
    tensors = (StoredTensor(name, dtype, tuple(shape), path, *ends) for name, (dtype, shape, ends) in claims.items())
    return Header(path, path.stat().st_size, tuple(sorted(tensors, key=lambda tensor: tensor.begin)), {})


def read_tensors(directory):
    return {tensor.name: tensor for file in weight_files(directory) for tensor in read_header(file).tensors}


def read_config(directory):
    file = weight_files(directory)[0]
    text = head_of(file)["settings"]
    return ConfigFile(file, text, json.loads(text))


def lay_out(tensors, max_file_size, settings):
    """A file for as many tensors as fit, in the order given."""
    parts = [[]]
    for tensor in tensors:
        if parts[-1] and sum(each.nbytes for each in parts[-1]) + tensor.nbytes > max_file_size:
            parts.append([])
        parts[-1].append(tensor)
    return tuple(new_file(f"part-{number}.toy", part, settings) for number, part in enumerate(parts))


def new_file(name, tensors, settings):
    placed, at = [], PADDED
    for tensor in tensors:
        placed.append(PlacedTensor(tensor, at, at + tensor.nbytes))
        at += tensor.nbytes + -tensor.nbytes % ALIGNMENT
    claims = {each.tensor.name: [each.tensor.dtype, each.tensor.shape, [each.begin, each.end]] for each in placed}
    header = json.dumps({"settings": settings, "tensors": claims}).encode().ljust(PADDED)
    assert len(header) == PADDED
    return NewFile(name, header, tuple(placed))


TOY = Format(
    name="toy",
    types=TYPES,
    is_own=is_own,
    looks_like_checkpoint=lambda names: any(map(is_own, names)),
    read_config=read_config,
    weight_files=weight_files,
    read_tensors=read_tensors,
    read_header=read_header,
    header_bytes=lambda descriptor: os.pread(descriptor, PADDED, 0),
    lay_out=lay_out,
    texts=lambda _files, _settings: {},
    problems=lambda directory: iter(["there is no first part"] if not (directory / "part-0.toy").exists() else []),
)


@pytest.fixture(autouse=True)
def _registered(monkeypatch):
    monkeypatch.setattr(registry, "FORMATS", (*registry.FORMATS, TOY))


def contents(directory):
    """Name to type, shape and bytes of every tensor."""
    tensors = open_checkpoint(directory).tensors
    return {
        name: (each.dtype, each.shape, each.file.read_bytes()[each.begin : each.end]) for name, each in tensors.items()
    }


@pytest.fixture
def toy(tmp_path):
    """The tensors of a tiny Llama in a toy file, their MLP's `up_proj` in blocks of four."""
    base = open_checkpoint(write_llama(tmp_path / "base"))
    tensors, data = {}, b""
    for name, tensor in base.tensors.items():
        is_quad = name.endswith("up_proj.weight")
        size = math.prod(tensor.shape) * 3 // 4 if is_quad else tensor.nbytes
        begin = PADDED + len(data)
        tensors[name] = ["QUAD" if is_quad else "F32", tensor.shape, [begin, begin + size]]
        data += tensor.file.read_bytes()[tensor.begin : tensor.begin + size] + bytes(-size % ALIGNMENT)
    head = json.dumps({"settings": base.config.text, "tensors": tensors}).encode()
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy/part-0.toy").write_bytes(head.ljust(PADDED) + data)
    return tmp_path / "toy"


LAYERS = (0, 1, 2, 1, 2, 3)


def test_a_stack_is_merged_byte_for_byte_in_the_format_of_its_source(toy, tmp_path):
    merged(stack_of(toy, LAYERS), tmp_path / "out", hash_sums=True)
    new, old = contents(tmp_path / "out"), contents(toy)
    prefix = "model.layers."
    expected = {name: value for name, value in old.items() if not name.startswith(prefix)} | {
        f"{prefix}{place}.{name.removeprefix(f'{prefix}{layer}.')}": value
        for place, layer in enumerate(LAYERS)
        for name, value in old.items()
        if name.startswith(f"{prefix}{layer}.")
    }
    assert new == expected
    assert open_checkpoint(tmp_path / "out").layer_count == len(LAYERS)
    assert not (tmp_path / "out/config.json").exists()
    assert "part-0.toy" in (tmp_path / "out" / SUMS_FILE).read_text()
    assert list(structure_problems(tmp_path / "out")) == []


def test_files_are_as_large_as_was_asked_for(toy, tmp_path):
    report = merged(stack_of(toy, LAYERS), tmp_path / "out", max_shard_size=5_000)
    assert report.shards == len(weight_files(tmp_path / "out")) > 1


def test_constants_are_written_and_an_interrupted_merge_continues(toy, tmp_path):
    class Killed(BaseException):
        pass

    def dying(done, _total):
        if done:
            raise Killed

    stack = stack_of(toy, LAYERS, levels=ZEROED)
    with pytest.raises(Killed):
        merged(stack, tmp_path / "out", dying)
    assert partial_model(tmp_path / "out").exists()
    merged(stack, tmp_path / "out")
    name = "model.layers.3.self_attn.o_proj.weight"
    assert not any(contents(tmp_path / "out")[name][2])


def test_what_the_format_says_of_its_files_is_a_structure_problem(toy):
    (toy / "part-0.toy").rename(toy / "part-1.toy")
    assert list(structure_problems(toy)) == ["there is no first part"]


def test_a_type_that_the_new_models_format_does_not_have_is_named(toy, tmp_path):
    stack = stack_of(toy, LAYERS)
    donor = open_checkpoint(write_llama(tmp_path / "donor"))
    with pytest.raises(PlanError, match=r"up_proj.*safetensors has no type QUAD"):
        merged(type(stack)(stack.visits, stack.embedding, stack.head, donor), tmp_path / "out")
