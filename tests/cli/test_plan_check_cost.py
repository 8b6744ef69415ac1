"""What a check costs where transformers is not asked: at most 60 MB for 140 layers over 80 shards. The time that it
takes is measured in tests/benchmarks."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.tiny import write_llama

pytestmark = pytest.mark.slow

RANGES = [(start, start + 20) for start in range(0, 70, 10)]

LAUNCHER = """
import resource, subprocess, sys
command = [sys.executable, "-m", "dlec_tui", "plan", "check", "--no-load-check", sys.argv[1]]
subprocess.run(command, stdout=sys.stderr, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
"""A small process between the test and the check: a child's peak counts its parent's size at the fork."""


def large_plan(directory: Path) -> Path:
    """140 layers over a checkpoint of 80 shards."""
    model = write_llama(directory / "model", layers=80, shards=80)
    slices = [f"- sources:\n  - model: {model}\n    layer_range: [{start}, {end}]" for start, end in RANGES]
    plan = directory / "plan.yaml"
    plan.write_text("\n".join(["merge_method: passthrough", "slices:", *slices]))
    return plan


def test_checking_a_large_plan_takes_60_mb(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", LAUNCHER, large_plan(tmp_path)], capture_output=True, check=True)
    unit = 1 if sys.platform == "darwin" else 1024
    assert int(done.stdout) * unit / 1e6 < 60
