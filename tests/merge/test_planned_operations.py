"""What the operations promise: every byte once, in the order of the source, in pieces, few of them."""

import struct
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.checkpoint.formats.format import StoredTensor
from engine.errors import PlanError
from engine.merge import planned_operations as operations_module
from engine.merge.layout import lay_out
from engine.merge.planned_operations import ComputeBytes, CopyBytes, FillBytes, byte_operations
from engine.plan.outputs import Fill, OutputTensor, Scaling, operation_on, output_tensors
from tests.cases import cases
from tests.merge.stacks import ZEROED, stack_of


def tensor(name, *, begin=0, count=8, dtype="F32", scaling=None, out=None, file="a"):
    width = {"F32": 4, "BF16": 2, "F16": 2, "F64": 8, "I32": 4, "F8_E4M3": 1}[dtype]
    source = StoredTensor(name, dtype, (count,), Path(file), begin, begin + count * width)
    operation = operation_on(dtype, dtype, out or dtype, scaling)
    return OutputTensor(name, source.shape, out or dtype, () if isinstance(operation, Fill) else (source,), operation)


def source_offset(operation):
    return operation.source_offset if isinstance(operation, CopyBytes) else operation.source.offset


@st.composite
def tensor_lists(draw):
    """Tensors of one source file in any order, repeated at will, some scaled or cast."""
    numbers = draw(st.lists(st.integers(0, 5), min_size=1, max_size=12))
    scalings = st.sampled_from([None, None, Scaling(0.0), Scaling(0.5), Scaling(0.0, 1.0)])
    return [
        tensor(f"layers.{i}.w", begin=100 + 32 * n, scaling=draw(scalings), out=draw(st.sampled_from(["F32", "BF16"])))
        for i, n in enumerate(numbers)
    ]


@settings(max_examples=50)
@given(tensor_lists(), st.integers(1, 200), st.integers(1, 10), st.integers(1, 5))
def test_operations_write_every_byte_behind_the_headers_exactly_once(tensors, shard_size, copy_words, compute_words):
    layout = lay_out(tensors, shard_size)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(operations_module, "MAX_COPY", 8 * copy_words)
        patch.setattr(operations_module, "MAX_COMPUTE", 4 * compute_words)
        operations = byte_operations(layout)
    for shard in layout.shards:
        spans = sorted((op.offset, op.offset + op.length) for op in operations if op.shard == shard.name)
        assert [begin for begin, _ in spans] == [len(shard.header), *(end for _, end in spans[:-1])]
        assert spans[-1][1] == shard.nbytes


@given(tensor_lists())
def test_sources_are_read_from_front_to_back(tensors):
    reads = [source_offset(op) for op in byte_operations(lay_out(tensors)) if not isinstance(op, FillBytes)]
    assert reads == sorted(reads)


def test_neighbours_are_copied_in_one_piece():
    tensors = [tensor(f"layers.0.{name}", begin=32 * n) for n, name in enumerate("abcd")]
    (copy,) = byte_operations(lay_out(list(reversed(tensors))))
    assert (copy.source_offset, copy.length) == (0, 128)


def test_an_identity_stack_is_one_copy_for_each_source_file(base):
    layout = lay_out(output_tensors(stack_of(base, range(6))))
    assert len(byte_operations(layout)) == 2


def test_large_copies_come_in_pieces():
    operations = byte_operations(lay_out([tensor("w", count=50_000_000)]))
    assert [copy.length for copy in operations] == [64 * 2**20, 64 * 2**20, 200_000_000 - 128 * 2**20]


@cases(
    ("dtype", "offset", "element"),
    [
        ("F32", 0.0, bytes(4)),
        ("F32", 1.0, struct.pack("<f", -1.0)),
        ("F16", 1.0, struct.pack("<e", -1.0)),
        ("F64", 1.0, struct.pack("<d", -1.0)),
        ("BF16", 1.0, b"\x80\xbf"),
        ("F8_E4M3", 0.0, b"\0"),
    ],
)
def test_a_factor_of_zero_reads_nothing_and_writes_the_constant(dtype, offset, element):
    (fill,) = byte_operations(lay_out([tensor("w", dtype=dtype, scaling=Scaling(0.0, offset))]))
    assert isinstance(fill, FillBytes)
    assert fill.element == element


def test_a_scaled_integer_tensor_is_refused_by_name():
    with pytest.raises(PlanError, match="qweight of a cannot be scaled.*\n?.*I32"):
        byte_operations(lay_out([tensor("qweight", dtype="I32", scaling=Scaling(0.0))]))


def test_only_changed_tensors_are_computed(base):
    operations = byte_operations(lay_out(output_tensors(stack_of(base, levels=((("q_proj", 0.5),),)))))
    assert {type(op) for op in operations} == {CopyBytes, ComputeBytes}
    assert len([op for op in operations if isinstance(op, ComputeBytes)]) == 2


def test_zeroed_layers_need_no_computing(base):
    operations = byte_operations(lay_out(output_tensors(stack_of(base, levels=ZEROED))))
    assert {type(op) for op in operations} == {CopyBytes, FillBytes}


def test_eleven_thousand_tensors_are_planned_within_a_second():
    tensors = [tensor(f"layers.{n // 9}.t{n % 9}", begin=32 * (n % 5000)) for n in range(11_700)]
    began = time.process_time()
    assert len(byte_operations(lay_out(tensors, 20_000))) < 3000
    assert time.process_time() - began < 1
