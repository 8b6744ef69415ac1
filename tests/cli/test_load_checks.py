"""What transformers says of headers, on the command line: asked once, and a merge answers for its own faults alone."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.architectures import LAYERS, CheckpointOf
from tests.cli.conftest import write_plan

pytestmark = pytest.mark.slow

Tensors = dict[str, torch.Tensor]


@pytest.fixture
def transformers_is_not_asked() -> None:
    """Here it is."""


def changed(source: Path, directory: Path, change: Callable[[Tensors], Tensors]) -> Path:
    shutil.copytree(source, directory)
    tensors = change(load_file(directory / "model.safetensors"))
    save_file(tensors, directory / "model.safetensors", {"format": "pt"})
    return directory


def test_transformers_checks_a_source_once(dlec, checkpoint_of: CheckpointOf, tmp_path: Path, monkeypatch) -> None:
    def lose(tensors: Tensors) -> Tensors:
        return {name: tensor for name, tensor in tensors.items() if not name.endswith("up_proj.weight")}

    model = changed(checkpoint_of("llama"), tmp_path / "model", lose)
    plan = write_plan(tmp_path / "plan.yaml", model, (0, 4), (2, LAYERS))
    assert dlec("plan", "check", plan, "--no-load-check").exit_code == 0  # every layer lacks it: nothing is odd
    asked = dlec("plan", "check", plan)
    assert asked.exit_code == 1
    assert "6 tensors (model.layers.0.mlp.up_proj.weight, " in asked.stdout
    monkeypatch.setattr("engine.tasks.process.EngineProcess", None)
    assert dlec("plan", "check", plan).stdout == asked.stdout
    assert dlec("plan", "check", plan, "--no-load-check").stdout == asked.stdout
    assert dlec("merge", plan, "out").exit_code == 1
    assert not list(tmp_path.glob("*out*"))


def test_excess_tensors_of_the_source_are_reported_and_published(
    dlec, checkpoint_of: CheckpointOf, tmp_path: Path
) -> None:
    """A value head, and a prediction layer that transformers ignores at the published model's number alone."""

    def add(tensors: Tensors) -> Tensors:
        behind = {name.replace(".5.", ".6."): each.clone() for name, each in tensors.items() if ".layers.5." in name}
        extras = {"model.layers.6.eh_proj.weight": torch.zeros(32, 64), "v_head.summary.weight": torch.zeros(1, 32)}
        return tensors | behind | extras

    model = changed(checkpoint_of("deepseek-v3"), tmp_path / "model", add)
    plan = write_plan(tmp_path / "plan.yaml", model, (0, 4), (2, LAYERS))
    checked = dlec("plan", "check", plan)
    assert checked.exit_code == 0
    assert "1 tensor (v_head.summary.weight)" in checked.stdout
    merged = dlec("merge", plan, "out")
    assert merged.exit_code == 0
    assert "v_head.summary.weight) in the source as well: the source opens the same way" in merged.stdout
    assert "prediction layers after the last layer" in merged.stdout
    shutil.rmtree(model)
    verified = json.loads(dlec("verify", "out", "--json").stdout)
    assert verified["ok"]
    assert verified["loadcheck"]["inherited"] == ["unexpected: v_head.summary.weight"]
    assert all(name.startswith("model.layers.8.") for name in verified["loadcheck"]["unopened"])
