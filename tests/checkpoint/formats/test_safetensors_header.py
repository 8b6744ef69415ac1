"""What the header reader promises: nothing a file claims is believed before it is checked."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save

from engine.checkpoint.formats.safetensors_header import LENGTH_BYTES, parse_header, read_header
from engine.errors import CheckpointError, MachineError
from tests.tiny import safetensors_bytes

NAME = "w"


def entry(dtype="F32", shape=(2,), offsets=(0, 8)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


def read(tmp_path: Path, content: bytes):
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    return read_header(path)


def test_offsets_are_positions_in_the_file(tmp_path):
    content = safetensors_bytes({NAME: entry()}, b"12345678")
    tensor = read(tmp_path, content).tensors[0]
    assert content[tensor.begin : tensor.end] == b"12345678"


BROKEN = {
    "cut off inside the length": (b"\x01\x02", "too few"),
    "a header of 2^60 bytes": ((2**60).to_bytes(8, "little") + b"{}", "claims 1,152,921,504,606,846,976 bytes"),
    "a header longer than the file": ((500).to_bytes(8, "little") + b"{}", "claims 500 bytes, the file has 10"),
    "not JSON": (safetensors_bytes(b"{nope", b""), "not valid JSON"),
    "not UTF-8": (safetensors_bytes(b'{"\xff": 1}', b""), "not valid JSON"),
    "nested without end": (safetensors_bytes(b"[" * 100_000, b""), "not valid JSON"),
    "a list": (safetensors_bytes([], b""), "not a JSON object"),
    "a name twice": (safetensors_bytes(b'{"a": {}, "a": {}}', b""), "occurs twice"),
    "no offsets": (safetensors_bytes({NAME: {"dtype": "F32", "shape": []}}, b""), "lacks dtype, shape or data_offsets"),
    "unknown dtype": (safetensors_bytes({NAME: entry("F31")}, bytes(8)), "unknown dtype F31"),
    "negative shape": (safetensors_bytes({NAME: entry(shape=(-2, -1))}, bytes(8)), "not a whole number"),
    "boolean offset": (safetensors_bytes({NAME: entry(offsets=(False, 8))}, bytes(8)), "not a whole number"),
    "a name that is no text": (safetensors_bytes({"\ud800": entry()}, bytes(8)), "is not text"),
    "numbers beyond counting": (safetensors_bytes({NAME: entry(shape=(10**200,))}, bytes(8)), "not a whole number"),
    "a shape beyond any file": (safetensors_bytes({NAME: entry(shape=(2**62, 2**62))}, bytes(8)), "more than any file"),
    "shape against bytes": (
        safetensors_bytes({NAME: entry(shape=(3,))}, bytes(8)),
        "needs 12 bytes, its offsets give 8",
    ),
    "past the end": (safetensors_bytes({NAME: entry()}, bytes(4)), "the file has"),
    "overlap": (safetensors_bytes({"a": entry(), "b": entry(offsets=(4, 12))}, bytes(12)), "overlaps"),
    "hole": (safetensors_bytes({"a": entry(), "b": entry(offsets=(9, 17))}, bytes(17)), "1 bytes before tensor b"),
    "rest": (safetensors_bytes({NAME: entry()}, bytes(9)), "1 bytes at its end"),
    "metadata that is no map": (safetensors_bytes({"__metadata__": 3}, b""), "__metadata__"),
}


@pytest.mark.parametrize(("content", "reason"), BROKEN.values(), ids=BROKEN)
def test_a_false_claim_is_named(tmp_path, content, reason):
    with pytest.raises(CheckpointError, match="not a valid safetensors file") as caught:
        read(tmp_path, content)
    assert reason in str(caught.value)
    assert "model.safetensors" in str(caught.value)


def test_control_characters_in_a_name_are_escaped(tmp_path):
    content = safetensors_bytes({"\x1b[2J": entry("F31")}, bytes(8))
    with pytest.raises(CheckpointError) as caught:
        read(tmp_path, content)
    assert "\x1b" not in str(caught.value)
    assert "\\x1b[2J" in str(caught.value)


def test_a_fifo_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "model.safetensors")
    with pytest.raises(MachineError, match="not a regular file"):
        read_header(tmp_path / "model.safetensors")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CheckpointError, match="model.safetensors is missing"):
        read_header(tmp_path / "model.safetensors")


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_read_or_refused(content):
    """Never anything but a Header or a CheckpointError."""
    length = int.from_bytes(content[:LENGTH_BYTES], "little")
    try:
        header = parse_header(content[LENGTH_BYTES : LENGTH_BYTES + length], len(content), Path("x"))
    except CheckpointError:
        return
    assert all(tensor.end <= len(content) for tensor in header.tensors)


claims = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(10**300) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
entries = st.fixed_dictionaries({"dtype": claims | st.just("F32"), "shape": claims, "data_offsets": claims}) | claims


@given(st.dictionaries(st.text(max_size=5) | st.just("__metadata__"), entries, max_size=3))
def test_arbitrary_json_is_read_or_refused(header):
    content = safetensors_bytes(header, b"")
    try:
        parse_header(content[LENGTH_BYTES:], len(content), Path("x"))
    except CheckpointError as error:
        assert "x is not a valid safetensors file" in str(error)


shapes = st.lists(st.integers(0, 4), max_size=3)
names = st.text(min_size=1, max_size=8).filter(lambda name: name != "__metadata__")


@given(st.dictionaries(names, shapes, max_size=5))
def test_files_of_the_reference_implementation_are_read_as_written(tensors):
    written = save({name: np.zeros(shape, np.float32) for name, shape in tensors.items()})
    length = int.from_bytes(written[:LENGTH_BYTES], "little")
    header = parse_header(written[LENGTH_BYTES : LENGTH_BYTES + length], len(written), Path("x"))
    assert {tensor.name: list(tensor.shape) for tensor in header.tensors} == tensors
