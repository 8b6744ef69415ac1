"""What a merge costs: against `cp` of the same bytes followed by `sync`, whole process, alternating in one run.

Needs 27 GB of disk below pytest's --basetemp, which should not be a tmpfs. Dropping caches needs root; without it the
pages of the files concerned are given up one file at a time, which the kernel may do less thoroughly.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.tiny import llama_config, llama_shapes, safetensors_bytes

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1200)]

ROUNDS = 5
LAYERS, REPEATED = 17, range(6, 11)
SIZES = {"hidden": 4096, "intermediate": 11008, "vocab": 32000}
NOISE = os.urandom(64 * 2**20)

WATCHED = """
import atexit, json, sys
from pathlib import Path

def report():
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    peak = int(status["VmHWM"].split()[0]) * 1024
    heavy = [name for name in ("torch", "transformers", "numpy") if name in sys.modules]
    Path(sys.argv.pop(1)).write_text(json.dumps({"peak": peak, "heavy": heavy}))

atexit.register(report)
report_path = sys.argv[1]
arguments = sys.argv[2:]
sys.argv[1:] = [report_path]
from dlec_tui.cli.main import dlec
dlec(arguments, prog_name="dlec")
"""
"""A whole `dlec` process that leaves behind how large it was and what it had imported."""


@dataclass(frozen=True)
class Bench:
    """A source of 7.4 GB in two shards and a plan for 9.4 GB."""

    room: Path
    plan: Path
    source: Path
    reference: Path
    """A finished merge: the bytes that cp copies."""


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    room = tmp_path_factory.mktemp("bench")
    try:
        source = write_large_llama(room / "source")
        plan = write_plan(room / "plan.yaml", source)
        merge_process(plan, room / "reference", room / "report.json")
        yield Bench(room, plan, source, room / "reference")
    finally:
        shutil.rmtree(room)


def write_large_llama(directory):
    """In the order of real checkpoints: shard by shard, layer by layer, tensors of a layer side by side."""
    directory.mkdir()
    config = llama_config(LAYERS, *SIZES.values(), tied=False) | {"dtype": "bfloat16", "num_attention_heads": 32}
    (directory / "config.json").write_text(json.dumps(config | {"num_key_value_heads": 32}, indent=2))
    shapes = list(llama_shapes(LAYERS, *SIZES.values(), tied=False).items())
    half = len(shapes) // 2
    weight_map = {}
    for number, part in enumerate((shapes[:half], shapes[half:]), start=1):
        name = f"model-{number:05}-of-00002.safetensors"
        write_noise(directory / name, part)
        weight_map |= {tensor: name for tensor, _ in part}
    (directory / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
    return directory


def write_noise(path, shapes):
    header, position = {}, 0
    for name, shape in shapes:
        end = position + 2 * shape[0] * (shape[1] if len(shape) == 2 else 1)
        header[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [position, end]}
        position = end
    with path.open("wb") as file:
        file.write(safetensors_bytes(header, b""))
        for at in range(0, position, len(NOISE)):
            file.write(NOISE[: position - at])


def write_plan(path, source):
    runs = [(0, REPEATED.stop), (REPEATED.start, LAYERS)]
    slices = [
        f"  - sources:\n      - model: {json.dumps(str(source))}\n        layer_range: [{a}, {b}]" for a, b in runs
    ]
    path.write_text("\n".join(["merge_method: passthrough", "slices:", *slices, "dtype: bfloat16", ""]))
    return path


def merge_process(plan, out, report):
    """Seconds, largest resident size and heavy modules of `dlec merge`."""
    arguments = ["merge", str(plan), str(out), "--no-load-check", "--no-reflink"]
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", WATCHED, str(report), *arguments], check=True, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - began
    return {"seconds": seconds, **json.loads(report.read_text())}


def cp_process(source, target):
    """Seconds of `cp` and `sync`."""
    began = time.perf_counter()
    subprocess.run(["cp", "-r", str(source), str(target)], check=True)
    subprocess.run(["sync"], check=True)
    return time.perf_counter() - began


def warm(directory):
    """Bring the weights into the page cache, and let nothing else be on its way to the disk."""
    for path in directory.glob("*.safetensors"):
        with path.open("rb") as file:
            while file.read(16 * 2**20):
                pass
    os.sync()


def cold(directory):
    os.sync()
    try:
        Path("/proc/sys/vm/drop_caches").write_text("3")
    except OSError:
        for path in directory.glob("*.safetensors"):
            descriptor = os.open(path, os.O_RDONLY)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)


@pytest.mark.parametrize(("prepare", "limit"), [(warm, 1.0), (cold, 1.15)])
def test_a_merge_takes_no_longer_than_a_copy(bench, prepare, limit):
    """The first round is not counted: a virtual disk's blocks are slower when they are written for the first time."""
    rounds = [one_round(bench, prepare, is_merge_first=bool(number % 2)) for number in range(ROUNDS + 1)][1:]
    merges, copies = zip(*rounds, strict=True)
    ratios = [merge["seconds"] / copy for merge, copy in rounds]
    tell(prepare.__name__, merges, copies, ratios)
    assert statistics.median(ratios) <= limit
    assert max(merge["peak"] for merge in merges) <= 100e6
    assert not any(merge["heavy"] for merge in merges)


def one_round(bench, prepare, *, is_merge_first):
    """A merge's figures and a copy's seconds, measured one after the other."""
    if is_merge_first:
        merge = measured_merge(bench, prepare)
        return merge, measured_copy(bench, prepare)
    copy = measured_copy(bench, prepare)
    return measured_merge(bench, prepare), copy


def measured_merge(bench, prepare):
    prepare(bench.source)
    figures = merge_process(bench.plan, bench.room / "merged", bench.room / "report.json")
    shutil.rmtree(bench.room / "merged")
    return figures


def measured_copy(bench, prepare):
    prepare(bench.reference)
    seconds = cp_process(bench.reference, bench.room / "copied")
    shutil.rmtree(bench.room / "copied")
    return seconds


def tell(cache, merges, copies, ratios):
    seconds = statistics.median(merge["seconds"] for merge in merges)
    print(
        f"\n{cache} cache: merge {seconds:.2f} s, cp + sync {statistics.median(copies):.2f} s, "
        f"ratio {statistics.median(ratios):.2f} (from {min(ratios):.2f} to {max(ratios):.2f}, {ROUNDS} rounds), "
        f"peak {max(merge['peak'] for merge in merges) / 1e6:.0f} MB, load {os.getloadavg()[0]:.1f}"
    )


def test_what_the_load_check_adds(bench):
    from engine.tasks.loadcheck import load_check

    began = time.perf_counter()
    found = load_check(bench.reference)
    print(
        f"\nload check: {time.perf_counter() - began:.2f} s, peak {found.peak_bytes / 1e6:.0f} MB, in its own process"
    )
    assert found.ok, found.why
