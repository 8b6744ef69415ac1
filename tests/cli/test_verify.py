"""`dlec verify`."""

import json
import shutil
from pathlib import Path

import pytest


@pytest.fixture
def model(tiny_llama: Path, tmp_path: Path) -> Path:
    """A checkpoint to damage."""
    return Path(shutil.copytree(tiny_llama, tmp_path / "model"))


@pytest.mark.slow
def test_a_whole_checkpoint_is_fine(dlec, model: Path) -> None:
    result = dlec("verify", model, "--json")
    report = json.loads(result.stdout)
    assert result.exit_code == 0
    assert (report["ok"], report["layers"], report["problems"]) == (True, 6, [])
    assert report["loadcheck"]["architecture"] == "LlamaForCausalLM"


def test_without_a_load_check_the_files_are_still_checked(dlec, model: Path) -> None:
    result = dlec("verify", model, "--no-load-check")
    assert result.exit_code == 0
    assert "headers, index and config agree" in result.stdout
    assert "load check: skipped" in result.stdout


def test_a_cut_off_shard_is_one_message(dlec, model: Path) -> None:
    with (model / "model.safetensors").open("r+b") as file:
        file.truncate(9000)
    result = dlec("verify", model)
    assert result.exit_code == 1
    assert "model.safetensors" in result.stdout + result.stderr
    assert "Traceback" not in result.output


@pytest.mark.slow
def test_a_config_of_another_model_fails_the_load_check(dlec, model: Path) -> None:
    config = model / "config.json"
    config.write_text(config.read_text().replace('"intermediate_size": 64', '"intermediate_size": 48'))
    result = dlec("verify", model)
    assert result.exit_code == 1
    assert "load check: FAILED" in result.stdout


def test_sums_of_files_elsewhere_are_a_problem_and_not_followed(dlec, model: Path) -> None:
    (model / "SHA256SUMS").write_text(f"{'0' * 64}  ../../../etc/passwd\n")
    result = dlec("verify", model, "--json")
    assert result.exit_code == 1
    assert "not below it" in json.loads(result.stdout)["problems"][0]


def test_a_directory_without_a_model_is_an_error(dlec, tmp_path: Path) -> None:
    result = dlec("verify", tmp_path)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "config.json" in result.stderr
