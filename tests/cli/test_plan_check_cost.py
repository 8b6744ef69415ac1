"""What a check costs as a whole process: at most 0.5 s and 60 MB for 140 layers over 80 sharded ones."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.tiny import write_llama

RANGES = [(start, start + 20) for start in range(0, 70, 10)]


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """140 layers over a checkpoint of 80 shards."""
    directory = tmp_path_factory.mktemp("large")
    model = write_llama(directory / "model", layers=80, shards=80)
    slices = [f"- sources:\n  - model: {model}\n    layer_range: [{start}, {end}]" for start, end in RANGES]
    (directory / "plan.yaml").write_text("\n".join(["merge_method: passthrough", "slices:", *slices]))
    return directory / "plan.yaml"


LAUNCHER = """
import resource, subprocess, sys
subprocess.run([sys.executable, "-m", "dlec_tui", "plan", "check", sys.argv[1]], stdout=sys.stderr, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
"""A small process between the test and the check: a child's peak counts its parent's size at the fork."""


def cost_of_checking(plan: Path) -> tuple[float, float]:
    """Seconds (with those of the launcher) and peak resident megabytes of one `dlec plan check`."""
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", LAUNCHER, plan], capture_output=True, check=True)
    unit = 1 if sys.platform == "darwin" else 1024
    return time.perf_counter() - started, int(done.stdout) * unit / 1e6


def test_checking_a_large_plan_takes_half_a_second_and_60_mb(plan: Path) -> None:
    costs = [cost_of_checking(plan) for _ in range(3)]
    assert min(seconds for seconds, _ in costs) < 0.5
    assert max(megabytes for _, megabytes in costs) < 60
