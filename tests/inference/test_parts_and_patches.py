"""Grafts and patches: what the merged checkpoint holds, and that the virtual model computes the same."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from engine.checkpoint.anatomy import EVERY_ROLE, Role
from engine.checkpoint.checkpoint import open_checkpoint
from engine.inference.virtual import load
from engine.merge.manifest import MANIFEST_FILE
from engine.plan.patches import open_patches
from engine.plan.stack import Donor, Part, Stack, Visit
from tests.architectures import CheckpointOf, every_family
from tests.inference.stacks import generated, logits, merged, stack_of
from tests.tiny import write_llama

MLP = frozenset({Role.MLP})
GRAFTED = {1: 4, 2: 0, 4: 5}
"""New layer to the layer of the other checkpoint that gives its MLP: dense for dense, mixture for mixture."""


def graft(base: Path, other: Path, layers: tuple[int, ...] = (0, 1, 2, 1, 3, 4, 5), levels: Any = ()) -> Stack:
    """A stack of `base` whose MLPs come from `other` in some places."""
    ours, theirs = open_checkpoint(base), open_checkpoint(other)
    visits = []
    for place, layer in enumerate(layers):
        visit = Visit.whole(ours, layer, layers[:place].count(layer))
        if place in GRAFTED:
            rest = Part(ours, layer, EVERY_ROLE - MLP)
            visit = visit._replace(parts=(rest, Part(theirs, GRAFTED[place], MLP, levels=levels)))
        visits.append(visit)
    return Stack(tuple(visits), Donor(ours), Donor(ours), ours)


def test_a_graft_takes_each_mlp_from_its_own_layer(tmp_path: Path) -> None:
    base, other = write_llama(tmp_path / "base"), write_llama(tmp_path / "other", seed=7)
    ours, theirs = load_file(base / "model.safetensors"), load_file(other / "model.safetensors")
    stack = graft(base, other)
    merged(stack, tmp_path / "out")
    for name, tensor in load_file(tmp_path / "out" / "model.safetensors").items():
        expected = ours.get(name)
        if ".layers." in name:
            number, suffix = name.removeprefix("model.layers.").split(".", 1)
            is_grafted = int(number) in GRAFTED and suffix.startswith("mlp.")
            layer = GRAFTED[int(number)] if is_grafted else stack.visits[int(number)].layer
            expected = (theirs if is_grafted else ours)[f"model.layers.{layer}.{suffix}"]
        assert expected is not None
        assert torch.equal(tensor, expected), name


def test_manifest_and_card_name_what_a_graft_takes(tmp_path: Path) -> None:
    stack = graft(write_llama(tmp_path / "base"), write_llama(tmp_path / "other", seed=7))
    merged(stack, tmp_path / "out")
    layer = json.loads((tmp_path / "out" / MANIFEST_FILE).read_text())["layers"][1]
    tensors = [f"mlp.{name}_proj.weight" for name in ("gate", "up", "down")]
    assert layer["parts"][1] == {"checkpoint": 1, "layer": 4, "roles": ["mlp"], "tensors": tensors}
    assert "Layer 1 takes mlp from layer 4 of `other`." in (tmp_path / "out" / "README.md").read_text()


@pytest.mark.parametrize("levels", [(), ((("down_proj", 0.3),),)])
@pytest.mark.parametrize("family", ["llama", "gemma2", "gpt2", "qwen3-moe"])
def test_a_virtual_graft_equals_the_merged_one(
    family: str, levels: Any, checkpoint_of: CheckpointOf, tmp_path: Path
) -> None:
    """The other checkpoint has the same shapes and other values."""
    base = checkpoint_of(family)
    stack = graft(base, perturbed(base, tmp_path / "other"), levels=levels)
    ours, theirs = load(stack), merged(stack, tmp_path / "out")
    assert torch.equal(logits(ours), logits(theirs))
    assert all(map(torch.equal, generated(ours), generated(theirs)))


def perturbed(source: Path, target: Path) -> Path:
    """The checkpoint with other values in every floating-point tensor."""
    target.mkdir()
    for file in source.iterdir():
        if file.suffix == ".safetensors":
            tensors = {name: tensor * 1.25 for name, tensor in load_file(file).items()}
            save_file(tensors, target / file.name, metadata={"format": "pt"})
        else:
            (target / file.name).write_bytes(file.read_bytes())
    return target


def patch_of(stack: Stack, out: Path, file: Path, dtype: torch.dtype | None = None) -> Path:
    """A patch of some tensors of a stack that is merged into `out`: two of a repeated layer, and the final norm."""
    merged(stack, out)
    tensors = load_file(out / "model.safetensors")
    number = len(stack.visits) - 3
    names = [name for name in tensors if f".{number}." in name][:2] + [name for name in tensors if "norm" in name][-1:]
    generator = torch.Generator().manual_seed(3)
    changed = {name: torch.randn(tensors[name].shape, generator=generator).to(tensors[name].dtype) for name in names}
    save_file({name: tensor.to(dtype or tensor.dtype) for name, tensor in changed.items()}, file)
    return file


@pytest.mark.parametrize(
    "family", every_family(always=("llama-biased", "gemma3", "gpt-oss", "mixtral", "qwen3-next", "gpt2", "falcon"))
)
def test_a_virtual_patched_stack_equals_the_merged_one(
    family: str, checkpoint_of: CheckpointOf, tmp_path: Path
) -> None:
    stack = stack_of(checkpoint_of(family))
    patch = patch_of(stack, tmp_path / "plain", tmp_path / "patch.safetensors")
    patched = replace(stack, patches=open_patches([patch]))
    ours, theirs = load(patched), merged(patched, tmp_path / "out")
    assert torch.equal(logits(ours), logits(theirs))
    plain = AutoModelForCausalLM.from_pretrained(tmp_path / "plain", dtype="auto").eval()
    assert not torch.equal(logits(ours), logits(plain))
    assert all(map(torch.equal, generated(ours, 3), generated(theirs, 3)))


@pytest.mark.parametrize("stored", [torch.float32, torch.float64, torch.float16])
def test_a_patch_is_cast_to_the_dtype_that_it_replaces(stored: torch.dtype, tmp_path: Path) -> None:
    stack = stack_of(write_llama(tmp_path / "in", vocab=64, dtype="BF16"), scales={4: 0.5})
    patch = patch_of(stack, tmp_path / "plain", tmp_path / "patch.safetensors", stored)
    patched = replace(stack, patches=open_patches([patch]))
    ours, theirs = load(patched), merged(patched, tmp_path / "out")
    result, expected = load_file(tmp_path / "out" / "model.safetensors"), load_file(patch)
    assert all(torch.equal(result[name], tensor.to(torch.bfloat16)) for name, tensor in expected.items())
    assert torch.equal(logits(ours), logits(theirs))


@pytest.mark.parametrize("stores_head", [False, True])
def test_a_patch_of_tied_embeddings_changes_the_head_with_them(stores_head: bool, tmp_path: Path) -> None:
    source = write_llama(tmp_path / "in", vocab=64, tied=True)
    if stores_head:
        tensors = load_file(source / "model.safetensors")
        head = tensors["model.embed_tokens.weight"].clone()
        save_file({**tensors, "lm_head.weight": head}, source / "model.safetensors", metadata={"format": "pt"})
    stack = stack_of(source)
    embedding = torch.randn(64, 8, generator=torch.Generator().manual_seed(5))
    save_file({"model.embed_tokens.weight": embedding}, tmp_path / "patch.safetensors")
    patched = replace(stack, patches=open_patches([tmp_path / "patch.safetensors"]))
    ours, theirs = load(patched), merged(patched, tmp_path / "out")
    assert torch.equal(theirs.lm_head.weight, embedding)
    assert torch.equal(logits(ours), logits(theirs))


def test_patches_leave_the_memory_of_the_sources_alone(tmp_path: Path) -> None:
    stack = stack_of(write_llama(tmp_path / "in", vocab=64))
    patch = patch_of(stack, tmp_path / "plain", tmp_path / "patch.safetensors")
    plain = AutoModelForCausalLM.from_pretrained(tmp_path / "plain", dtype="auto").eval()
    load(replace(stack, patches=open_patches([patch])))
    assert torch.equal(logits(load(stack)), logits(plain))
