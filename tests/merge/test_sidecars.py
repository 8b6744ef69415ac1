"""What goes along with the weights, and what stays behind."""

import os
from pathlib import PurePath

import pytest

from engine.errors import MachineError
from engine.merge.sidecars import copy_sidecars, sidecars_of
from engine.plan.companions import Companions

CARRIED = ["LICENSE", "chat_template.jinja", "generation_config.json", "modeling_x.py", "tokenizer.model", "vocab.json"]
LEFT = {
    "pytorch_model.bin": "another weight format",
    "pytorch_model.bin.index.json": "another weight format",
    "consolidated.00.pth": "another weight format",
    "model-q4.gguf": "another weight format",
    "adapter.safetensors": "an adapter, which is not part of the merge",
    "adapter_config.json": "an adapter, which is not part of the merge",
    "adapter_model.safetensors": "an adapter, which is not part of the merge",
    "optimizer.bin": "another weight format",
    "scheduler.json": "training state",
    "training_args.json": "training state",
    "trainer_state.json": "training state",
    "README.md": "written again",
    "mergekit_config.yml": "written again",
    "dlec_manifest.json": "written again",
    "SHA256SUMS": "written again",
    ".gitattributes": "hidden",
}


@pytest.fixture
def directory(tmp_path):
    root = tmp_path / "base"
    root.mkdir()
    for name in [*CARRIED, *LEFT, "config.json", "model.safetensors", "model.safetensors.index.json"]:
        (root / name).write_text(name)
    return root


def found_in(directory):
    return sidecars_of(directory, {directory / "model.safetensors"})


def test_every_other_file_is_carried(directory):
    assert found_in(directory).copied == tuple(PurePath(name) for name in sorted(CARRIED))


def test_what_is_left_out_is_listed_with_its_reason(directory):
    assert found_in(directory).left_out == LEFT


def test_directories_are_carried_with_their_structure(directory, tmp_path):
    (directory / "assets/sounds").mkdir(parents=True)
    (directory / "assets/sounds/a.txt").write_text("a")
    copy_sidecars(found_in(directory), tmp_path / "new")
    assert (tmp_path / "new/assets/sounds/a.txt").read_text() == "a"


@pytest.mark.parametrize("name", ["onnx", "original", ".cache", "checkpoint-500"])
def test_directories_of_other_things_are_left_out_whole(directory, name):
    (directory / name).mkdir()
    (directory / name / "config.json").write_text("{}")
    assert name in found_in(directory).left_out
    assert not [path for path in found_in(directory).copied if path.parts[0] == name]


def test_another_checkpoint_inside_is_no_sidecar(directory):
    (directory / "merged").mkdir()
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        (directory / "merged" / name).write_text(name)
    assert found_in(directory).left_out["merged"] == "another checkpoint"


def test_links_of_a_hub_cache_become_files(tmp_path):
    blob, snapshot = tmp_path / "blobs/5f2e", tmp_path / "snapshots/main"
    for parent in (blob.parent, snapshot):
        parent.mkdir(parents=True)
    blob.write_text("tokens")
    (snapshot / "tokenizer.json").symlink_to("../../blobs/5f2e")
    copy_sidecars(sidecars_of(snapshot, set()), tmp_path / "new")
    assert not (tmp_path / "new/tokenizer.json").is_symlink()
    assert (tmp_path / "new/tokenizer.json").read_text() == "tokens"


def test_what_is_no_file_is_neither_opened_nor_followed(directory):
    os.mkfifo(directory / "pipe")
    (directory / "broken.json").symlink_to("nowhere")
    (directory / "loop").symlink_to(".")
    left_out = found_in(directory).left_out
    assert (left_out["pipe"], left_out["broken.json"]) == ("not a file", "not a file")
    assert left_out["loop"] == "a link to a directory"


def test_a_sidecar_that_vanished_is_named(directory, tmp_path):
    sidecars = found_in(directory)
    (directory / "LICENSE").unlink()
    with pytest.raises(MachineError, match="LICENSE cannot be read"):
        copy_sidecars(sidecars, tmp_path / "new")


def test_files_that_describe_layers_are_written_anew_or_left_out(directory, tmp_path):
    (directory / "model.sig").write_text("signed")
    changed = Companions({"vocab.json": "{}\n"}, {"LICENSE": "names layers"})
    found = sidecars_of(directory, {directory / "model.safetensors"}, changed)
    copy_sidecars(found, tmp_path / "new")
    assert (tmp_path / "new/vocab.json").read_text() == "{}\n"
    assert found.left_out == LEFT | {
        "LICENSE": "names layers",
        "model.sig": "a signature or checksum of the source's files",
    }
    assert not (tmp_path / "new/model.sig").exists()
    assert not (tmp_path / "new/LICENSE").exists()
