"""What a fingerprint promises."""

import errno
import os

import pytest

from engine.checkpoint.checkpoint import open_checkpoint
from engine.checkpoint.fingerprint import fingerprint
from engine.errors import MachineError
from tests.tiny import write_llama


def of(directory):
    return fingerprint(open_checkpoint(directory))


def test_it_does_not_depend_on_where_the_checkpoint_lies(tmp_path):
    assert of(write_llama(tmp_path / "a")) == of(write_llama(tmp_path / "b"))


def test_one_changed_layer_changes_it(tmp_path):
    directory = write_llama(tmp_path / "a", hidden=64)
    before = of(directory)
    tensor = open_checkpoint(directory).tensors["model.layers.3.self_attn.q_proj.weight"]
    with tensor.file.open("r+b") as file:
        file.seek(tensor.begin)
        file.write(bytes(byte ^ 1 for byte in tensor.file.read_bytes()[tensor.begin : tensor.end]))
    assert of(directory) != before


def test_a_changed_config_changes_it(tmp_path):
    base = of(write_llama(tmp_path / "a"))
    assert of(write_llama(tmp_path / "b", config={"rope_theta": 500000.0})) != base


@pytest.mark.parametrize("call", ["open", "pread"])
@pytest.mark.parametrize("code", [errno.ESTALE, errno.EIO])
def test_a_disk_that_fails_is_named_with_the_file(tmp_path, monkeypatch, call, code):
    checkpoint = open_checkpoint(write_llama(tmp_path / "a"))

    def fails(*_arguments, **_settings):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(f"engine.checkpoint.fingerprint.os.{call}", fails)
    with pytest.raises(MachineError, match=r"model\.safetensors cannot be read: " + os.strerror(code)):
        fingerprint(checkpoint)
