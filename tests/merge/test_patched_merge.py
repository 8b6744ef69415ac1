"""Merges with patches: bytes in place, patches named in card and manifest, resumed or restarted."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from engine.errors import CheckpointError, UsageError
from engine.merge import writer
from engine.merge.manifest import MANIFEST_FILE, origin_of, read_origin
from engine.plan.cost import cost_of
from engine.plan.patches import open_patches
from tests.merge.stacks import PLAN, merged, settled_bytes, stack_of
from tests.merge.test_merge import StoppedError, assert_same, by_hand, stopping_after

LAYERS = (0, 1, 2, 3, 2, 3, 4, 5)
DOWN, NORM = "model.layers.5.mlp.down_proj.weight", "model.norm.weight"


@pytest.fixture
def patch(tmp_path):
    generator = torch.Generator().manual_seed(1)
    tensors = {DOWN: torch.randn(8, 16, generator=generator), NORM: torch.randn(8, generator=generator)}
    save_file(tensors, tmp_path / "trained.safetensors")
    return tmp_path / "trained.safetensors"


def patched(base, *files, **settings):
    return replace(stack_of(base, LAYERS, **settings), patches=open_patches(files))


@pytest.mark.parametrize("levels", [(), ((("down_proj", 0.0),),), ((("down_proj", 0.5),),)])
def test_a_patch_replaces_what_the_plan_gives_scaled_or_not(base, tmp_path, patch, levels):
    merged(patched(base, patch, levels=levels), tmp_path / "out", max_shard_size=4000)
    merged(stack_of(base, LAYERS, levels=levels), tmp_path / "plain")
    expected = load_file(tmp_path / "plain" / "model.safetensors") | load_file(patch)
    found = {}
    for shard in (tmp_path / "out").glob("*.safetensors"):
        found |= load_file(shard)
    assert_same(found, expected)


def test_of_two_patches_the_last_one_wins(base, tmp_path, patch):
    save_file({NORM: torch.full((8,), 7.0)}, tmp_path / "gain.safetensors")
    merged(patched(base, patch, tmp_path / "gain.safetensors"), tmp_path / "out")
    expected = by_hand(base, LAYERS) | load_file(patch) | load_file(tmp_path / "gain.safetensors")
    assert_same(load_file(tmp_path / "out" / "model.safetensors"), expected)


def test_a_patch_costs_nothing(base, patch):
    assert cost_of(patched(base, patch)) == cost_of(stack_of(base, LAYERS))


def test_a_patch_of_the_same_dtype_needs_no_torch(base, tmp_path, patch):
    merged(patched(base, patch), tmp_path / "here")
    code = f"""
import sys
from dataclasses import replace
from pathlib import Path
sys.modules.update(dict.fromkeys(("torch", "transformers", "numpy")))
from engine.plan.patches import open_patches
from tests.merge.stacks import merged, stack_of
stack = replace(stack_of({str(base)!r}, {LAYERS}), patches=open_patches([{str(patch)!r}]))
merged(stack, Path({str(tmp_path / "blocked")!r}))
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    assert settled_bytes(tmp_path / "here") == settled_bytes(tmp_path / "blocked")


def test_card_and_manifest_name_the_patch_with_its_fingerprint(base, tmp_path, patch):
    stack = patched(base, patch)
    merged(stack, tmp_path / "out")
    (entry,) = json.loads((tmp_path / "out" / MANIFEST_FILE).read_text())["patches"]
    (opened,) = stack.patches
    assert entry == {"file": "trained.safetensors", "sha256": opened.fingerprint, "tensors": [DOWN, NORM]}
    line = f"Patch `trained.safetensors` (SHA-256 `{opened.fingerprint}`) replaces 2 tensors."
    assert line in (tmp_path / "out" / "README.md").read_text()


def test_a_merge_with_a_patch_is_not_taken_for_one_without(base, tmp_path, patch):
    merged(patched(base, patch), tmp_path / "out")
    assert read_origin(tmp_path / "out") == origin_of(patched(base, patch), PLAN)
    assert read_origin(tmp_path / "out") != origin_of(stack_of(base, LAYERS), PLAN)


@pytest.fixture
def many_operations(monkeypatch):
    monkeypatch.setattr("engine.merge.planned_operations.MAX_COPY", 128)
    monkeypatch.setattr(writer, "SYNC_BYTES", 512)


@pytest.mark.parametrize("count", [1, 50, 130])
@pytest.mark.usefixtures("many_operations")
def test_a_stopped_merge_with_a_patch_continues_to_the_same_bytes(base, tmp_path, patch, count):
    merged(patched(base, patch), tmp_path / "undisturbed")
    with pytest.raises(StoppedError):
        merged(patched(base, patch), tmp_path / "out", stopping_after(count))
    seen = []
    merged(patched(base, patch), tmp_path / "out", lambda done, _total: seen.append(done))
    assert seen[0] > 0 or count == 1
    assert settled_bytes(tmp_path / "out") == settled_bytes(tmp_path / "undisturbed")


@pytest.mark.usefixtures("many_operations")
def test_a_patch_that_changed_meanwhile_starts_the_merge_over(base, tmp_path, patch):
    with pytest.raises(StoppedError):
        merged(patched(base, patch), tmp_path / "out", stopping_after(130))
    save_file({name: -tensor for name, tensor in load_file(patch).items()}, patch)
    seen = []
    merged(patched(base, patch), tmp_path / "out", lambda done, _total: seen.append(done))
    assert seen[0] == 0
    assert_same(load_file(tmp_path / "out" / "model.safetensors"), by_hand(base, LAYERS) | load_file(patch))


def test_a_patch_that_changes_while_it_is_copied_is_refused(base, tmp_path, patch):
    def spoil(done, total):
        if done == total:
            save_file({NORM: torch.zeros(8), DOWN: torch.zeros(8, 16)}, patch, metadata={"format": "pt"})

    with pytest.raises(CheckpointError, match="changed while it was being copied"):
        merged(patched(base, patch), tmp_path / "out", spoil)
    assert not (tmp_path / "out").exists()


def test_a_patch_inside_the_output_is_refused(base, tmp_path, patch):
    (tmp_path / "out").mkdir()
    patch.rename(tmp_path / "out" / "trained.safetensors")
    with pytest.raises(UsageError, match="cannot be the output"):
        merged(patched(base, tmp_path / "out" / "trained.safetensors"), tmp_path / "out")
