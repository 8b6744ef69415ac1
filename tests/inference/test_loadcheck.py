import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from engine.inference.loadcheck import check
from engine.tasks.loadcheck import load_check
from tests.architectures import CheckpointOf


@pytest.fixture
def own_llama(checkpoint_of: CheckpointOf, tmp_path: Path) -> Path:
    """A checkpoint to be spoiled."""
    return shutil.copytree(checkpoint_of("llama"), tmp_path / "model")


def edit_config(directory: Path, **keys: Any) -> None:
    config = json.loads((directory / "config.json").read_text())
    (directory / "config.json").write_text(json.dumps({**config, **keys}))


def checked(directory: Path, **request: Any) -> dict[str, Any]:
    return check({"directory": str(directory), **request})


def test_a_whole_checkpoint_passes_in_its_own_process(checkpoint_of: CheckpointOf) -> None:
    result = load_check(checkpoint_of("mixtral"), [(checkpoint_of("mixtral"), layer) for layer in range(6)])
    assert result.ok
    assert result.architecture == "MixtralForCausalLM"
    assert 0 < result.peak_bytes < 2**30


def test_missing_unexpected_and_misshapen_tensors_are_named(own_llama: Path) -> None:
    tensors = load_file(own_llama / "model.safetensors")
    del tensors["model.norm.weight"]
    tensors["model.layers.0.strange"] = torch.zeros(3)
    tensors["lm_head.weight"] = torch.zeros(3, 32)
    save_file(tensors, own_llama / "model.safetensors", {"format": "pt"})
    result = checked(own_llama)
    assert result["missing"] == ["model.norm.weight"]
    assert result["unexpected"] == ["model.layers.0.strange"]
    assert result["mismatched"] == ["lm_head.weight: (3, 32) in the file, (64, 32) in the model"]


def test_layers_beyond_the_configs_count_are_unexpected(own_llama: Path) -> None:
    edit_config(own_llama, num_hidden_layers=5)
    assert any(name.startswith("model.layers.5.") for name in checked(own_llama)["unexpected"])


def test_a_layer_of_another_kind_is_described(checkpoint_of: CheckpointOf) -> None:
    source = checkpoint_of("gemma2")
    result = checked(source, visits=[[str(source), layer] for layer in (1, 1, 2, 3, 4, 5)])
    assert (
        f"layer 0 differs from layer 1 of {source}: config.layer_types is sliding_attention, not full_attention"
        in (result["differences"])
    )


def test_a_config_that_its_class_refuses_is_a_difference(checkpoint_of: CheckpointOf, tmp_path: Path) -> None:
    directory = shutil.copytree(checkpoint_of("gemma2"), tmp_path / "model")
    edit_config(directory, num_hidden_layers=7)
    assert "layer_types" in checked(directory)["differences"][0]


@pytest.mark.parametrize("keys", [{"model_type": "nobody_knows"}, {"model_type": None}])
def test_an_unknown_family_is_unavailable_and_not_wrong(own_llama: Path, keys: dict[str, Any]) -> None:
    edit_config(own_llama, architectures=["Strange"], auto_map={"AutoConfig": "code.Config"}, **keys)
    (own_llama / "code.py").write_text("raise SystemExit('executed')")
    result = checked(own_llama)
    assert "does not run" in result["unavailable"]
    assert "differences" not in result


def test_without_torch_the_check_is_unavailable(
    checkpoint_of: CheckpointOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "torch.py").write_text("raise ImportError('no torch here')")
    directory = checkpoint_of("llama")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    result = load_check(directory)
    assert not result.ok
    assert "pip install torch" in result.unavailable
