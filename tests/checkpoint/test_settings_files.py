"""Files next to the weights that are read as settings."""

import os

import pytest

from engine.checkpoint.settings_files import MAX_BYTES, read_settings_files
from engine.errors import MachineError


def test_settings_are_read_and_everything_else_is_listed(tmp_path):
    for name in (
        "hf_quant_config.json",
        "recipe.yaml",
        "tokenizer.json",
        "model.safetensors.index.json",
        "imatrix.dat",
    ):
        (tmp_path / name).write_text("{}")
    for folder in ("assets", "onnx", ".cache", "another"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "quant.json").write_text("{}")
    (tmp_path / "another/config.json").write_text("{}")
    assert read_settings_files(tmp_path) == {
        "assets/quant.json": "{}",
        "hf_quant_config.json": "{}",
        "imatrix.dat": None,
        "model.safetensors.index.json": None,
        "recipe.yaml": "{}",
        "tokenizer.json": None,
    }


def test_what_is_no_text_or_too_long_or_no_file_is_not_read(tmp_path):
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe")
    with (tmp_path / "long.json").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    os.mkfifo(tmp_path / "pipe.json")
    assert read_settings_files(tmp_path) == {"binary.json": None, "long.json": None}


def test_a_directory_that_is_away_is_named(tmp_path):
    with pytest.raises(MachineError, match="nowhere cannot be read"):
        read_settings_files(tmp_path / "nowhere")
