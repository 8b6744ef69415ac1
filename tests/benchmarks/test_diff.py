"""Speed and memory of a comparison: processor time per byte of both files, beside `cat` of the same."""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.bench

ELEMENTS = 1_750_000_000
"""7 GB in both files."""
LEAST_PER_CPU_SECOND = 3.0e9
MOST_MEMORY = 100e6

COMPARE = """
import json, resource, sys, time
from pathlib import Path
from engine.checkpoint.formats.format import StoredTensor
from engine.comparison.differences import Workspace, difference
from engine.comparison.pairing import Pair
from engine.comparison.sides import Place, Weights

count = int(sys.argv[3])
stored = [StoredTensor("t", "BF16", (count,), Path(file), 0, 2 * count) for file in sys.argv[1:3]]
pair = Pair(Place(0, "t"), Weights(stored[0], 0), Weights(stored[1], 0))
begin = time.process_time()
result = difference(pair, Workspace())
seconds = time.process_time() - begin
peak = next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps({"seconds": seconds, "peak": peak, "identical": result.identical / count}))
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    import numpy as np

    directory = tmp_path_factory.mktemp("diff")
    generator = np.random.default_rng(0)
    values = generator.standard_normal(2**24, dtype=np.float32) * np.float32(0.02)
    moved = values + generator.standard_normal(2**24, dtype=np.float32) * np.float32(3e-4)
    paths = [directory / "a", directory / "b"]
    for path, block in zip(paths, (values, moved), strict=True):
        raw = (block.view(np.uint32) >> 16).astype(np.uint16).tobytes()
        with path.open("wb") as file:
            for _ in range(-(-2 * ELEMENTS // len(raw))):
                file.write(raw)
    return paths


def test_a_comparison_takes_a_cpu_second_for_three_gigabytes_and_little_memory(files: list[Path]) -> None:
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    words = [sys.executable, "-c", COMPARE, *map(str, files), str(ELEMENTS)]
    runs = []
    for _ in range(3):
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
        runs.append(json.loads(done.stdout))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(["cat", *map(str, files)], stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    reading = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    seconds = min(run["seconds"] for run in runs)
    rate = 4 * ELEMENTS / seconds
    print(
        f"\n{rate / 1e9:.2f} GB of both files per CPU second; {seconds / reading:.1f} x `cat` of both; "
        f"peak {runs[0]['peak'] / 1e6:.0f} MB; identical {runs[0]['identical']:.1%}"
    )
    assert runs[0]["peak"] < MOST_MEMORY
    assert rate >= LEAST_PER_CPU_SECOND
