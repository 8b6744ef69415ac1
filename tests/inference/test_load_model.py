import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from engine.errors import CheckpointError, MachineError, UsageError
from engine.inference.load_model import open_model, open_tokenizer
from engine.inference.meta_model import read_model_config
from tests.architectures import CheckpointOf, every_family
from tests.inference.stacks import edit_config, logits
from tests.tiny import write_llama

Spoil = Callable[[dict[str, torch.Tensor]], Any]


def spoiled(source: Path, directory: Path, spoil: Spoil) -> Path:
    """A copy of a checkpoint with its tensors changed in place."""
    shutil.copytree(source, directory)
    tensors = load_file(directory / "model.safetensors")
    spoil(tensors)
    save_file(tensors, directory / "model.safetensors", {"format": "pt"})
    return directory


@pytest.mark.parametrize("family", ["llama", "mixtral", "gpt2"])
def test_a_model_opens_as_transformers_opens_it_and_in_eval_mode(family: str, checkpoint_of: CheckpointOf) -> None:
    model = open_model(checkpoint_of(family))
    assert torch.equal(logits(model), logits(AutoModelForCausalLM.from_pretrained(checkpoint_of(family)).eval()))
    assert not model.training


@pytest.mark.parametrize("family", every_family())
def test_weights_are_aligned_as_torch_aligns_them(family: str, checkpoint_of: CheckpointOf) -> None:
    """Else two files with the same weights would give figures that differ in the last bit."""
    assert not [name for name, weight in open_model(checkpoint_of(family)).named_parameters() if weight.data_ptr() % 64]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_the_dtype_is_the_requested_one(dtype: str, checkpoint_of: CheckpointOf) -> None:
    assert open_model(checkpoint_of("llama"), dtype).dtype == getattr(torch, dtype)


def test_auto_is_the_dtype_of_the_checkpoint(tmp_path: Path) -> None:
    assert open_model(write_llama(tmp_path / "model", dtype="BF16")).dtype == torch.bfloat16


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_weights_that_are_not_finite_are_refused_by_name(
    value: float, checkpoint_of: CheckpointOf, tmp_path: Path
) -> None:
    name = "model.layers.3.mlp.up_proj.weight"
    directory = spoiled(checkpoint_of("llama"), tmp_path / "model", lambda tensors: tensors[name][5, 6:9].fill_(value))
    with pytest.raises(CheckpointError, match=rf"{name} of .* is broken: 3 of its 1,536 weights"):
        open_model(directory)


def test_weights_that_a_narrow_dtype_cannot_hold_are_refused(checkpoint_of: CheckpointOf, tmp_path: Path) -> None:
    directory = spoiled(checkpoint_of("llama"), tmp_path / "model", lambda t: t["lm_head.weight"][0, 0].fill_(1e30))
    assert open_model(directory).lm_head.weight[0, 0] > 1e29
    with pytest.raises(CheckpointError, match="lm_head.weight of .* infinite in float16"):
        open_model(directory, "float16")


def test_weights_whose_sum_overflows_are_not_refused(checkpoint_of: CheckpointOf, tmp_path: Path) -> None:
    directory = spoiled(checkpoint_of("llama"), tmp_path / "model", lambda t: t["lm_head.weight"].fill_(3e38))
    assert open_model(directory).dtype == torch.float32


def test_missing_weights_are_refused_by_name(checkpoint_of: CheckpointOf, tmp_path: Path) -> None:
    directory = spoiled(checkpoint_of("llama"), tmp_path / "model", lambda tensors: tensors.pop("lm_head.weight"))
    with pytest.raises(CheckpointError, match="1 tensors: lm_head.weight"):
        open_model(directory)


@pytest.mark.parametrize("architecture", ["LlamaModel", "LlamaForSequenceClassification"])
def test_a_model_without_a_language_head_is_refused(
    architecture: str, checkpoint_of: CheckpointOf, tmp_path: Path
) -> None:
    directory = shutil.copytree(checkpoint_of("llama"), tmp_path / "model")
    edit_config(directory, architectures=[architecture])
    with pytest.raises(CheckpointError, match=f"no language head: {architecture}"):
        open_model(directory)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
@pytest.mark.parametrize("device", ["cuda", "cuda:1"])
def test_a_gpu_that_is_not_there_is_one_clear_error(device: str, checkpoint_of: CheckpointOf) -> None:
    with pytest.raises(MachineError, match=f"{device} does not exist"):
        open_model(checkpoint_of("llama"), device=device)


@pytest.mark.parametrize("options", [{"device": "toaster"}, {"dtype": "int8"}])
def test_unknown_devices_and_dtypes_are_refused(options: dict[str, str], checkpoint_of: CheckpointOf) -> None:
    with pytest.raises(UsageError, match=r"toaster is not a device|int8 is not a dtype"):
        open_model(checkpoint_of("llama"), **options)


def test_a_missing_tokenizer_is_one_clear_error(checkpoint_of: CheckpointOf) -> None:
    with pytest.raises(CheckpointError, match="has no tokenizer"):
        open_tokenizer(checkpoint_of("llama"))


def test_an_adapter_next_to_the_weights_is_not_applied_even_if_peft_is_installed(
    checkpoint_of: CheckpointOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trainers leave adapters beside the weights into which they merged them."""
    directory = shutil.copytree(checkpoint_of("llama"), tmp_path / "model")
    (directory / "adapter_config.json").write_text('{"base_model_name_or_path": "elsewhere", "peft_type": "LORA"}')
    monkeypatch.setattr("transformers.integrations.peft.is_peft_available", lambda: True)
    assert torch.equal(logits(open_model(directory)), logits(open_model(checkpoint_of("llama"))))


def test_a_config_that_leaves_the_depth_to_its_class_is_read(tmp_path: Path) -> None:
    """The tensors say how deep the model is; the class fills in what config.json leaves out."""
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    assert read_model_config(tmp_path).num_hidden_layers == 32
