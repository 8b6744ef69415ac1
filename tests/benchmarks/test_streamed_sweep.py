"""What streaming costs: all blocks up to width 2 of a checkpoint of 7.4 GB within 2 GB, in a process of its own.

Single edges are timed in between, so that what else the machine does falls on both.

Needs 8 GB of disk below pytest's --basetemp, and as much page cache.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tiny import llama_config, llama_shapes, safetensors_bytes

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1200)]

LAYERS = 18
SIZES = {"hidden": 4096, "intermediate": 11008, "vocab": 8000}
SIGN_AND_SMALL = bytes((byte & 0x80) | 0x3C for byte in range(256))
"""Of a bf16's upper byte: numbers of about a hundredth, of either sign."""
MEMORY = 2_000_000_000
MOST_RESIDENT = 3_000_000_000
MOST_OF_LARGER = 1.3

SWEEP = """
import json, statistics, sys, time
from pathlib import Path

import torch

from engine.checkpoint.checkpoint import open_checkpoint
from engine.inference.replay import Recording
from engine.inference.wavefront.readers import Likelihood
from engine.inference.wavefront.schedule import stops
from engine.inference.wavefront.streamed import StreamedLayers
from engine.inference.wavefront.visits import visits
from engine.inference.wavefront.work import plan_work
from engine.protocol import no_report

torch.set_num_threads(1)  # the other core reads
directory, memory = Path(sys.argv[1]), int(sys.argv[2])
checkpoint = open_checkpoint(directory)
count = checkpoint.layer_count
blocks = [(i, j) for width in (1, 2) for i in range(count - width + 1) for j in [i + width]]
plans = [visits([*range(j), *range(i, count)]) for i, j in blocks]
tokens = torch.randint(0, 8000, (2, 16), generator=torch.Generator().manual_seed(1))

began = time.perf_counter()
layers = StreamedLayers(checkpoint, "float32")
work = plan_work(layers, plans, [tokens], Likelihood(), memory)
opening = time.perf_counter() - began

run_layer, calls, edges = Recording.layer, [], []

def now_and_then_once_more(*given):
    calls.append(given[1])
    if len(calls) % 12 == 0:
        began = time.perf_counter()
        run_layer(*given)
        edges.append(time.perf_counter() - began)
    return run_layer(*given)

Recording.layer = now_and_then_once_more
began = time.perf_counter()
finished = []
counted = work.run(no_report, lambda plan, figures: finished.append(bool(torch.isfinite(figures.nll).all())))
seconds = time.perf_counter() - began - sum(edges)
edge = statistics.fmean(edges)
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
peak = int(status["VmHWM"].split()[0]) * 1024

began = time.perf_counter()
for stop in stops(work.trie, work.order):
    layers.stored.read(stop.layer)
reading = time.perf_counter() - began

announced = {name: getattr(work.announced, name) for name in work.announced.__slots__}
print(json.dumps({
    "announced": announced, "held": work.announced.held_bytes, "plans": len(plans), "finite": all(finished),
    "finished": len(finished), "layer_forwards": counted.layer_forwards, "layer_reads": counted.layer_reads,
    "read_bytes": counted.read_bytes, "parts": counted.seconds, "seconds": seconds, "peak": peak, "opening": opening,
    "reading": reading, "edge": edge, "computing": edge * counted.layer_forwards,
}))
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory):
    directory = tmp_path_factory.mktemp("streamed") / "llama"
    try:
        yield write_llama(directory)
    finally:
        shutil.rmtree(directory)


def write_llama(directory: Path) -> Path:
    """In the order of real checkpoints, in two shards."""
    directory.mkdir()
    config = llama_config(LAYERS, *SIZES.values(), tied=False) | {"dtype": "bfloat16", "num_attention_heads": 32}
    (directory / "config.json").write_text(json.dumps(config | {"num_key_value_heads": 32}))
    shapes = list(llama_shapes(LAYERS, *SIZES.values(), tied=False).items())
    half = len(shapes) // 2
    weight_map = {}
    for number, part in enumerate((shapes[:half], shapes[half:]), start=1):
        name = f"model-{number:05}-of-00002.safetensors"
        write_small_numbers(directory / name, part)
        weight_map |= {tensor: name for tensor, _ in part}
    (directory / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
    return directory


def write_small_numbers(path: Path, shapes: list[tuple[str, tuple[int, ...]]]) -> None:
    noise = bytearray(os.urandom(64 * 2**20))
    noise[1::2] = noise[1::2].translate(SIGN_AND_SMALL)
    header, position = {}, 0
    for name, shape in shapes:
        end = position + 2 * shape[0] * (shape[1] if len(shape) == 2 else 1)
        header[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [position, end]}
        position = end
    with path.open("wb") as file:
        file.write(safetensors_bytes(header, b""))
        for at in range(0, position, len(noise)):
            file.write(noise[: position - at])


def warm(directory: Path) -> int:
    """Bring the weights into the page cache; their bytes."""
    found = 0
    for path in directory.glob("*.safetensors"):
        with path.open("rb") as file:
            while piece := file.read(16 * 2**20):
                found += len(piece)
    return found


def test_a_streamed_sweep_keeps_to_its_memory_and_its_time(source: Path) -> None:
    size = warm(source)
    command = [sys.executable, "-c", SWEEP, str(source), str(MEMORY)]
    ran = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found = json.loads(ran.stdout.splitlines()[-1])
    announced = found["announced"]
    larger = max(found["reading"], found["computing"])
    parts = ", ".join(f"{part} {seconds:.1f} s" for part, seconds in sorted(found["parts"].items()))
    print(
        f"\n{size / 1e9:.2f} GB, {found['plans']} plans: {announced['passes']} passes, {announced['chunks']} chunks, "
        f"{found['layer_reads']} reads of {found['read_bytes'] / 1e9:.2f} GB, {found['layer_forwards']:,} "
        f"layer-forwards; {found['seconds']:.1f} s; reading alone {found['reading']:.1f} s, "
        f"computing alone {found['computing']:.1f} s ({found['edge'] * 1e3:.1f} ms an edge), "
        f"ratio {found['seconds'] / larger:.2f}; "
        f"peak {found['peak'] / 1e9:.2f} GB, announced {found['held'] / 1e9:.2f} GB; opening {found['opening']:.1f} s; "
        f"{parts}; load {os.getloadavg()[0]:.1f}"
    )
    assert size >= 7e9
    assert found["finished"] == found["plans"] + 1
    assert found["finite"]
    assert found["layer_forwards"] == announced["layer_forwards"]
    assert (found["layer_reads"], found["read_bytes"]) == (announced["layer_reads"], announced["read_bytes"])
    assert found["held"] <= MEMORY
    assert found["peak"] < MOST_RESIDENT
    assert found["seconds"] <= MOST_OF_LARGER * larger
