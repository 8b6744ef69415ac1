"""Rule patches: what does not fit the new model is an error at its name; what is cast or hidden is a note."""

import struct
from pathlib import Path

import pytest

from engine.checkpoint.checkpoint import open_checkpoint
from engine.errors import CheckpointError, UsageError
from engine.plan.check import check_plan
from engine.plan.patches import open_patch, open_patches, with_patches_noted
from engine.plan.problems import Severity
from engine.plan.rules import CheckContext
from tests.tiny import write_llama, write_safetensors

NORM = "model.layers.7.input_layernorm.weight"


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return write_llama(tmp_path_factory.mktemp("patches") / "base")


def plan_text(base):
    sources = [f"  - sources: [{{model: {base}, layer_range: [{start}, {end}]}}]" for start, end in ((0, 4), (2, 6))]
    return "\n".join(["merge_method: passthrough", "slices:", *sources, ""])


def patch(directory, shapes, dtype="F32", name="patch.safetensors"):
    write_safetensors(directory / name, shapes, dtype)
    return directory / name


def checked(base, *files):
    found = check_plan(plan_text(base), lambda path: open_checkpoint(Path(path)), patched(*files))
    return [(each.severity, each.message, each.fix) for each in found.problems if each.rule == "patches"]


def patched(*files):
    return CheckContext(patches=open_patches(files))


def test_a_patch_that_fits_is_not_mentioned(base, tmp_path):
    assert checked(base, patch(tmp_path, {NORM: (8,)})) == []


def test_a_tensor_that_the_model_does_not_have_is_an_error_that_names_the_nearest(base, tmp_path):
    file = patch(tmp_path, {"model.layers.7.input_layernrom.weight": (8,)})
    ((severity, message, fix),) = checked(base, file)
    assert severity is Severity.ERROR
    assert message == f"{file}: the new model has no tensor model.layers.7.input_layernrom.weight"
    assert fix == f"Did you mean {NORM}?"


def test_a_layer_beyond_the_last_is_an_error(base, tmp_path):
    ((severity, message, _),) = checked(base, patch(tmp_path, {"model.layers.8.input_layernorm.weight": (8,)}))
    assert severity is Severity.ERROR
    assert "no tensor model.layers.8.input_layernorm.weight" in message


def test_another_shape_is_an_error_with_both(base, tmp_path):
    ((severity, message, _),) = checked(base, patch(tmp_path, {NORM: (9,)}))
    assert severity is Severity.ERROR
    assert f"{NORM} has the shape [9], the new model's has [8]" in message


def test_a_cast_is_a_note(base, tmp_path):
    ((severity, message, _),) = checked(base, patch(tmp_path, {NORM: (8,)}, "F16"))
    assert severity is Severity.NOTE
    assert "1 tensor cast from F16 to F32" in message


def test_a_name_in_two_patches_is_a_note(base, tmp_path):
    first, second = (patch(tmp_path, {NORM: (8,)}, name=f"{name}.safetensors") for name in "ab")
    ((severity, message, _),) = checked(base, first, second)
    assert severity is Severity.NOTE
    assert message == f"{first}: a later patch replaces 1 tensor, for example {NORM}"


def test_a_tied_head_is_patched_through_the_embeddings(tmp_path):
    base = write_llama(tmp_path / "tied", tied=True)
    ((severity, message, fix),) = checked(base, patch(tmp_path, {"lm_head.weight": (16, 8)}))
    assert severity is Severity.ERROR
    assert "lm_head.weight is tied to the embeddings" in message
    assert fix.startswith("Patch the embeddings")


def test_a_patched_plan_is_measured_under_another_text(base, tmp_path):
    text, (found,) = plan_text(base), open_patches([patch(tmp_path, {NORM: (8,)})])
    assert with_patches_noted(text, []) == text
    assert with_patches_noted(text, [found]) == f"{text}# dlec patch: patch.safetensors {found.fingerprint}\n"


def test_the_fingerprint_changes_with_a_single_bit(tmp_path):
    file = patch(tmp_path, {NORM: (8,)})
    before, content = open_patch(file).fingerprint, bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    assert open_patch(file).fingerprint != before


def test_a_file_that_is_missing_broken_or_empty_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match=r"none\.safetensors"):
        open_patch(tmp_path / "none.safetensors")
    (tmp_path / "broken.safetensors").write_bytes(struct.pack("<Q", 10**12))
    with pytest.raises(CheckpointError, match="not a valid safetensors file"):
        open_patch(tmp_path / "broken.safetensors")
    with pytest.raises(UsageError, match="is not a patch: it has no tensors"):
        open_patch(patch(tmp_path, {}))
