"""`dlec plan new`."""

import errno
import json
import os
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("options", "layers"),
    [
        (["repeat", "--layers", "2:4"], 8),
        (["repeat", "--layers", "2:4", "--times", "2"], 10),
        (["llama-pro", "--groups", "3"], 9),
    ],
)
def test_what_a_recipe_writes_checks_without_errors(dlec, tiny_llama: Path, options: list[str], layers: int) -> None:
    assert dlec("plan", "new", *options, tiny_llama, "-o", "new.yaml").exit_code == 0
    report = json.loads(dlec("plan", "check", "new.yaml", "--json").stdout)
    assert (report["ok"], report["layers"]) == (True, layers)


def test_without_a_file_the_plan_goes_to_stdout(dlec, tiny_llama: Path) -> None:
    result = dlec("plan", "new", "repeat", tiny_llama, "--layers", "2:4")
    assert result.stdout.startswith("# ")
    assert "layer_range: [0, 4]" in result.stdout


def test_json_holds_the_plan_and_its_file(dlec, tiny_llama: Path) -> None:
    result = dlec("plan", "new", "repeat", tiny_llama, "--layers", "2:4", "--out", "new.yaml", "--json")
    assert json.loads(result.stdout) == {"plan": Path("new.yaml").read_text(), "out": "new.yaml"}


def test_a_file_is_overwritten_only_by_force(dlec, tiny_llama: Path) -> None:
    Path("mine.yaml").write_text("mine")
    write = ("plan", "new", "repeat", tiny_llama, "--layers", "2:4", "-o", "mine.yaml")
    refused = dlec(*write)
    assert (refused.exit_code, Path("mine.yaml").read_text()) == (2, "mine")
    assert "--force" in refused.stderr
    assert dlec(*write, "--force").exit_code == 0
    assert Path("mine.yaml").read_text() != "mine"


def test_a_write_that_fails_leaves_what_was_there(dlec, tiny_llama: Path, monkeypatch) -> None:
    def full(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("engine.files.os.fsync", full)
    Path("mine.yaml").write_text("mine")
    write = ("plan", "new", "repeat", tiny_llama, "--layers", "2:4", "-o")
    assert dlec(*write, "mine.yaml", "--force").exit_code == 3
    assert dlec(*write, "new.yaml").exit_code == 3
    assert [(path.name, path.read_text()) for path in Path().iterdir()] == [("mine.yaml", "mine")]


def test_force_writes_through_a_link_but_not_over_a_device(dlec, tiny_llama: Path) -> None:
    write = ("plan", "new", "repeat", tiny_llama, "--layers", "2:4", "--force", "-o")
    Path("link.yaml").symlink_to("plan.yaml")
    os.mkfifo("pipe.yaml")
    assert dlec(*write, "link.yaml").exit_code == 0
    assert Path("link.yaml").is_symlink()
    assert Path("plan.yaml").read_text().startswith("# ")
    assert dlec(*write, "pipe.yaml").exit_code == 2
    assert Path("pipe.yaml").is_fifo()


def test_a_model_whose_path_is_not_text_is_no_traceback(dlec, tiny_llama: Path) -> None:
    name = os.fsdecode(b"mod\xe9l")
    Path(name).symlink_to(tiny_llama)
    Path("mine.yaml").write_text("mine")
    write = ("plan", "new", "repeat", name, "--layers", "2:4")
    assert dlec(*write, "-o", "mine.yaml", "--force").exit_code == dlec(*write).exit_code == 2
    assert Path("mine.yaml").read_text() == "mine"


@pytest.mark.parametrize("layers", ["4:2", "2", "a:b", "0:7", "1:2:3"])
def test_a_block_that_is_none_is_a_usage_error(dlec, tiny_llama: Path, layers: str) -> None:
    result = dlec("plan", "new", "repeat", tiny_llama, "--layers", layers)
    assert (result.exit_code, result.stdout) == (2, "")


def test_a_directory_that_is_no_checkpoint_is_an_error_of_the_checkpoint(dlec, tmp_path: Path) -> None:
    result = dlec("plan", "new", "repeat", tmp_path, "--layers", "2:4")
    assert result.exit_code == 1
    assert "config.json" in result.stderr
