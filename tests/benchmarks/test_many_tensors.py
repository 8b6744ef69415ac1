"""Bookkeeping: 1,300 layers and 11,700 tensors, so small that nothing but bookkeeping is measured."""

import time

import pytest

from engine.checkpoint.find import opener
from engine.merge.journal import signature_of
from engine.merge.layout import lay_out
from engine.merge.planned_operations import byte_operations
from engine.merge.transfer import sources_of
from engine.plan.check import check_plan
from engine.plan.outputs import output_tensors
from engine.tasks.merge import MergeOptions, merge
from tests.tiny import write_llama

pytestmark = pytest.mark.bench

LAYERS = 1300


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    source = write_llama(tmp_path_factory.mktemp("many") / "source", layers=26, shards=4)
    slices = "".join(
        f"  - sources:\n      - model: {source}\n        layer_range: [{n % 26}, {n % 26 + 1}]\n" for n in range(LAYERS)
    )
    return f"merge_method: passthrough\nslices:\n{slices}"


def test_planning_and_bookkeeping_take_at_most_a_second(plan):
    began = time.perf_counter()
    checked = check_plan(plan, opener())
    planned = time.perf_counter() - began
    tensors = output_tensors(checked.stack)
    layout = lay_out(tensors)
    operations = byte_operations(layout)
    signature_of(layout, operations, sources_of(tensors))
    total = time.perf_counter() - began
    print(f"\n{LAYERS} layers, {len(tensors):,} tensors: plan {planned:.2f} s, with layout and journal {total:.2f} s")
    assert total <= 1


def test_a_whole_merge_of_tiny_tensors(plan, tmp_path):
    checked = check_plan(plan, opener())
    report = merge(checked.stack, plan, tmp_path / "out", MergeOptions(load_check=False))
    print(f"\n{report.tensors_copied:,} tensors merged in {report.seconds:.2f} s")
    assert report.tensors_copied > 11_000
