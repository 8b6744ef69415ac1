"""Merged pieces: for every operation, the bytes that torch computes."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from engine.checkpoint.formats.safetensors_header import read_header
from engine.errors import PlanError
from engine.merge import planned_operations as operations_module
from engine.merge.journal import signature_of
from engine.merge.layout import lay_out
from engine.merge.partial import partial_of
from engine.merge.planned_operations import CopyBytes, byte_operations
from engine.merge.transfer import Transfer, sources_of
from engine.merge.writer import write_shards
from engine.plan.outputs import Cast, Copy, Fill, Mean, OutputTensor, Scale, Scaling, rows_of

DTYPES = {"F32": torch.float32, "BF16": torch.bfloat16, "F16": torch.float16, "F64": torch.float64}


def stored(directory, tensors):
    """The tensors as one file, and as a header describes them."""
    save_file(tensors, directory / "in.safetensors")
    return {tensor.name: tensor for tensor in read_header(directory / "in.safetensors").tensors}


def written(directory, outputs):
    """Bytes that a merge writes for these output tensors."""
    layout, partial = lay_out(outputs), partial_of(directory / "out")
    partial.root.mkdir(exist_ok=True)
    operations = byte_operations(layout)
    signature = signature_of(layout, operations, sources_of(outputs))
    write_shards(partial, layout, operations, signature, Transfer(), lambda _done, _total: None)
    return load_file(partial.model / "model.safetensors")


def same(found, expected):
    return found.dtype == expected.dtype and torch.equal(found.view(torch.uint8), expected.view(torch.uint8))


@st.composite
def pieces_of(draw):
    """Random tensors of one width, a range of rows of each, and their dtypes."""
    generator = torch.Generator().manual_seed(draw(st.integers(0, 10**6)))
    columns, tensors, ranges = draw(st.integers(1, 5)), {}, []
    for number in range(draw(st.integers(1, 4))):
        rows = draw(st.integers(1, 6))
        start = draw(st.integers(0, rows - 1))
        values = torch.randn(rows, columns, generator=generator)
        tensors[f"t{number}"] = values.to(DTYPES[draw(st.sampled_from(sorted(DTYPES)))])
        ranges.append((start, draw(st.integers(start + 1, rows))))
    return tensors, ranges


def in_small_steps(directory, output):
    """The one output tensor, computed and copied a few elements at a time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(operations_module, "MAX_COMPUTE", 24)
        patch.setattr(operations_module, "MAX_COPY", 40)
        return written(directory, [output])[output.name]


@settings(max_examples=30, deadline=None)
@given(pieces_of(), st.sampled_from(sorted(DTYPES)), st.sampled_from([None, 0.5, -3.0]))
def test_concatenated_rows_are_cast_and_scaled_as_torch_does(tmp_path_factory, drawn, out, factor):
    (tensors, ranges), directory = drawn, tmp_path_factory.mktemp("pieces")
    headers = stored(directory, tensors)
    pieces = tuple(rows_of(headers[f"t{number}"], *rows) for number, rows in enumerate(ranges))
    operation = Cast(out) if factor is None else Scale(Scaling(factor), out)
    shape = (sum(stop - start for start, stop in ranges), *pieces[0].shape[1:])
    parts = [tensors[f"t{number}"][start:stop].to(DTYPES[out]) for number, (start, stop) in enumerate(ranges)]
    expected = torch.cat([part if factor is None else part * factor for part in parts])
    assert same(in_small_steps(directory, OutputTensor("joined", shape, out, pieces, operation)), expected)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.sampled_from(sorted(DTYPES)), min_size=1, max_size=5),
    st.sampled_from(sorted(DTYPES)),
    st.integers(1, 30),
    st.integers(0, 10**6),
)
def test_a_mean_is_summed_in_float32_and_rounded_once(tmp_path_factory, dtypes, out, count, seed):
    directory, generator = tmp_path_factory.mktemp("mean"), torch.Generator().manual_seed(seed)
    tensors = {f"t{n}": torch.randn(count, generator=generator).to(DTYPES[dtype]) for n, dtype in enumerate(dtypes)}
    pieces = tuple(stored(directory, tensors)[name] for name in tensors)
    total = 0
    for tensor in tensors.values():
        total = total + tensor.to(torch.promote_types(tensor.dtype, torch.float32))
    found = in_small_steps(directory, OutputTensor("mean", (count,), out, pieces, Mean()))
    assert same(found, (total / len(tensors)).to(DTYPES[out]))


@pytest.mark.parametrize("value", [0.0, -1.0])
@pytest.mark.parametrize("dtype", sorted(DTYPES))
def test_a_fill_writes_one_value_and_reads_nothing(tmp_path, dtype, value):
    found = in_small_steps(tmp_path, OutputTensor("gain", (3, 5), dtype, (), Fill(value)))
    assert same(found, torch.full((3, 5), value, dtype=DTYPES[dtype]))


def test_concatenated_pieces_of_the_same_dtype_are_copied_as_bytes(tmp_path):
    tensors = {"a": torch.arange(12.0).reshape(3, 4), "b": -torch.arange(8.0).reshape(2, 4)}
    headers = stored(tmp_path, tensors)
    pieces = (rows_of(headers["a"], 1, 3), headers["b"], rows_of(headers["a"], 0, 1))
    output = OutputTensor("joined", (5, 4), "F32", pieces, Copy())
    assert {type(step) for step in byte_operations(lay_out([output]))} == {CopyBytes}
    assert same(in_small_steps(tmp_path, output), torch.cat([tensors["a"][1:3], tensors["b"], tensors["a"][:1]]))


def test_neighbouring_pieces_are_copied_in_one_step(tmp_path):
    header = stored(tmp_path, {"a": torch.zeros(6, 4)})["a"]
    pieces = (rows_of(header, 0, 2), rows_of(header, 2, 6))
    (copy,) = byte_operations(lay_out([OutputTensor("whole", (6, 4), "F32", pieces)]))
    assert copy.length == header.nbytes


def test_a_quantised_piece_cannot_be_averaged(tmp_path):
    header = stored(tmp_path, {"qweight": torch.zeros(4, dtype=torch.int32)})["qweight"]
    with pytest.raises(PlanError, match="qweight of .* cannot be scaled, cast or averaged.*\n?.*I32"):
        byte_operations(lay_out([OutputTensor("mean", (4,), "F32", (header, header), Mean())]))
