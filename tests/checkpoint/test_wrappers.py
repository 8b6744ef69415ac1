"""Names that training tools change are undone, and names that only look like it are left alone."""

import json
import re

import pytest

from engine.checkpoint.checkpoint import open_checkpoint
from engine.checkpoint.wrappers import wrapping_of
from tests.tiny import llama_config, llama_shapes, write_weights

SHAPES = llama_shapes(3, 4, 8, 8, tied=False)
TIED = llama_shapes(3, 4, 8, 8, tied=True)
TOWERS = {name.replace("model.", "model.language_model.", 1): shape for name, shape in TIED.items()} | {
    "model.visual.blocks.0.norm.weight": (4,)
}

WRAPPED = {
    "torch.compile": lambda name: f"_orig_mod.{name}",
    "DDP": lambda name: f"module.{name}",
    "both": lambda name: f"module._orig_mod.{name}",
    "PEFT": lambda name: f"base_model.model.{name}",
    "blocks compiled one by one": lambda name: re.sub(r"(layers\.\d+\.)", r"\1_orig_mod.", name),
    "FSDP": lambda name: "_fsdp_wrapped_module." + re.sub(r"(layers\.\d+\.)", r"\1_fsdp_wrapped_module.", name),
    "checkpointed blocks": lambda name: re.sub(r"(layers\.\d+\.)", r"\1_checkpoint_wrapped_module.", name),
    "Lightning": lambda name: f"model.{name}",
    "a trainer's own module": lambda name: f"policy.{name}",
    "a trainer's own module under DDP": lambda name: f"actor.module.{name}",
    "DDP in Lightning": lambda name: f"model.module.{name}",
    "a state that is kept whole": lambda name: f"state_dict.{name}",
    "DDP around each block": lambda name: re.sub(r"(layers\.\d+\.)", r"\1module.", name),
    "DDP around the decoder": lambda name: name.replace("model.layers", "model.module.layers"),
}


def checkpoint_with(directory, shapes):
    (directory / "config.json").write_text(json.dumps(llama_config(3, 4, 8, 8, tied=True)))
    write_weights(directory, shapes)
    return open_checkpoint(directory)


@pytest.mark.parametrize("shapes", [SHAPES, TIED], ids=["head", "tied"])
@pytest.mark.parametrize("wrap", WRAPPED.values(), ids=WRAPPED)
def test_tensors_have_the_names_of_the_models_class(tmp_path, wrap, shapes):
    checkpoint = checkpoint_with(tmp_path, {wrap(name): shape for name, shape in shapes.items()})
    assert {name: tensor.shape for name, tensor in checkpoint.tensors.items()} == shapes
    assert {tensor.name for tensor in checkpoint.tensors.values()} == set(shapes)
    assert {tensor.name_in_file for tensor in checkpoint.tensors.values()} == set(map(wrap, shapes))
    assert wrapping_of(checkpoint.tensors.values())[1] > 0


@pytest.mark.parametrize("times", [2, 3])
def test_a_repeated_language_model_is_one(tmp_path, times):
    repeated = "language_model." * times
    shapes = {name.replace("language_model.", repeated): shape for name, shape in TOWERS.items()}
    assert set(checkpoint_with(tmp_path, shapes).tensors) == set(TOWERS)


UNWRAPPED = {
    "plain": SHAPES,
    "tied": TIED,
    "towers": TOWERS,
    "a bare decoder": {name.removeprefix("model."): shape for name, shape in TIED.items()},
    "a decoder in a model": {f"model.decoder.{name.removeprefix('model.')}": shape for name, shape in TIED.items()},
    "OLMo's own names": {name.replace("model.", "model.transformer."): shape for name, shape in TIED.items()},
}


@pytest.mark.parametrize("shapes", UNWRAPPED.values(), ids=UNWRAPPED)
def test_other_names_stay_as_they_are(tmp_path, shapes):
    checkpoint = checkpoint_with(tmp_path, shapes)
    assert set(checkpoint.tensors) == set(shapes)
    assert wrapping_of(checkpoint.tensors.values()) == ("", 0)


def test_names_that_would_become_one_stay_two(tmp_path):
    both = SHAPES | {"model.layers.0._orig_mod.mlp.up_proj.weight": (8, 4)}
    assert set(checkpoint_with(tmp_path, both).tensors) == set(both)
