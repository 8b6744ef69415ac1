"""Planning, checking and plain-copy merging where torch cannot be imported."""

import functools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCKER = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "transformers", "numpy"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocker())
"""


@pytest.fixture
def python(tmp_path: Path):
    """Runs Python where neither it nor its child processes can import torch, transformers or numpy."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(BLOCKER)
    environment = os.environ | {"PYTHONPATH": f"{tmp_path / 'site'}{os.pathsep}{ROOT}"}

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment)

    return run


@pytest.fixture
def dlec(python):
    """Runs `dlec` there."""
    return functools.partial(python, "-m", "dlec_tui")


def test_torch_is_out_of_reach(python) -> None:
    assert "No module named 'torch'" in python("-c", "import torch").stderr


def test_a_plan_is_written_checked_and_merged_by_copying(dlec, tmp_path: Path, tiny_llama: Path) -> None:
    assert dlec("plan", "new", "repeat", tiny_llama, "--layers", "2:4", "-o", "plan.yaml").returncode == 0
    assert json.loads(dlec("plan", "check", "plan.yaml", "--json").stdout)["layers"] == 8
    merged = dlec("merge", "plan.yaml", "out", "--no-load-check", "--json")
    assert merged.returncode == 0, merged.stderr
    assert json.loads(merged.stdout)["tensors_computed"] == 0
    assert (tmp_path / "out" / "model.safetensors").exists()


def test_zeroing_needs_no_torch(dlec, tmp_path: Path, tiny_llama: Path) -> None:
    assert dlec("plan", "new", "llama-pro", tiny_llama, "--groups", "2", "-o", "plan.yaml").returncode == 0
    assert dlec("merge", "plan.yaml", "out", "--no-load-check").returncode == 0
    assert (tmp_path / "out").exists()


def test_a_load_check_that_cannot_be_made_is_said(dlec, tmp_path: Path, tiny_llama: Path) -> None:
    assert dlec("plan", "new", "repeat", tiny_llama, "--layers", "2:4", "-o", "plan.yaml").returncode == 0
    merged = dlec("merge", "plan.yaml", "out")
    assert (merged.returncode, (tmp_path / "out").exists()) == (0, True)
    assert "load check: not possible" in merged.stdout
    assert dlec("verify", "out").returncode == 3


def test_scaling_without_torch_is_one_message(dlec, tmp_path: Path, tiny_llama: Path) -> None:
    scaled = f"{{model: {json.dumps(str(tiny_llama))}, layer_range: [0, 6], parameters: {{scale: 0.5}}}}"
    (tmp_path / "plan.yaml").write_text(f"merge_method: passthrough\nslices: [{{sources: [{scaled}]}}]\n")
    refused = dlec("merge", "plan.yaml", "out", "--no-load-check")
    assert refused.returncode == 3, refused.stderr
    assert "torch" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "verb", [["profile"], ["score", "--metric", "second-pass"], ["plan", "new", "dlec", "--layers", "1"]]
)
def test_measuring_without_torch_is_one_message(dlec, tmp_path: Path, tiny_llama: Path, verb: list[str]) -> None:
    refused = dlec(*verb, tiny_llama, "--home", tmp_path / "home")
    assert refused.returncode == 3, refused.stderr
    assert "torch" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_previewing_without_torch_is_one_message(dlec, tiny_llama: Path) -> None:
    assert dlec("plan", "new", "repeat", tiny_llama, "--layers", "2:4", "-o", "plan.yaml").returncode == 0
    refused = dlec("preview", "plan.yaml", "--home", "home")
    assert refused.returncode == 3, refused.stderr
    assert "torch" in refused.stderr
