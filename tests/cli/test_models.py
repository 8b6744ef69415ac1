"""`dlec models`."""

import json
import shutil
from pathlib import Path


def test_a_checkpoint_is_described_by_its_headers(dlec, tiny_llama: Path) -> None:
    rows = json.loads(dlec("models", tiny_llama.parent, "--json").stdout)
    assert rows == [
        {
            "reference": str(tiny_llama),
            "architecture": "llama",
            "layers": 6,
            "hidden_size": 32,
            "parameters": 256 * 32 + 32 + 6 * (2 * 32 + 3 * 32 * 64 + 4 * 32 * 32),
            "bytes": 4 * rows[0]["parameters"],
            "dtype": "F32",
            "tied": True,
            "attention": None,
            "problem": None,
        }
    ]


def test_a_broken_checkpoint_is_listed_with_its_problem(dlec, tiny_llama: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_llama, tmp_path / "cut")
    with (tmp_path / "cut" / "model.safetensors").open("r+b") as file:
        file.truncate(5000)
    result = dlec("models")
    assert result.exit_code == 0
    assert "unusable" in result.stdout
    assert "cut" in result.stdout


def test_the_hub_cache_is_listed_without_paths(dlec, tiny_llama: Path, tmp_path: Path) -> None:
    folder = tmp_path / "no-hub-cache" / "models--org--tiny"
    shutil.copytree(tiny_llama, folder / "snapshots" / "abc")
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("abc")
    references = [row["reference"] for row in json.loads(dlec("models", "--json").stdout)]
    assert "org/tiny" in references


def test_hub_caches_are_listed_as_repositories_wherever_they_are_and_none_twice(dlec, tiny_llama, tmp_path) -> None:
    for cache in ("no-hub-cache", "another"):
        for commit in ("c0ffee", "facade"):
            shutil.copytree(tiny_llama, tmp_path / cache / "models--org--tiny" / "snapshots" / commit)
        (tmp_path / cache / "models--org--tiny" / "refs").mkdir()
        (tmp_path / cache / "models--org--tiny" / "refs" / "main").write_text("facade")
    shutil.copytree(tmp_path / "another" / "models--org--tiny", tmp_path / "no-hub-cache" / "models--gpt2")
    text, rows = dlec("models").stdout, json.loads(dlec("models", "--json").stdout)
    assert {row["reference"] for row in rows} == {"another/models--org--tiny", "org/tiny", "gpt2"}
    assert len(rows) == 3
    assert not [row for row in rows if row["problem"]]
    assert "org/tiny in another" in text
    assert not any(commit in text for commit in ("c0ffee", "facade"))
    assert len(json.loads(dlec("models", ".", "no-hub-cache", "--json").stdout)) == 3
    for row in rows:
        assert dlec("plan", "new", "repeat", row["reference"], "--layers", "1:2").exit_code == 0


def test_a_repository_without_a_branch_is_listed_so_that_it_can_be_opened(dlec, tiny_llama, tmp_path) -> None:
    shutil.copytree(tiny_llama, tmp_path / "no-hub-cache" / "models--org--tiny" / "snapshots" / "c0ffee")
    [row] = json.loads(dlec("models", "--json").stdout)
    assert (row["reference"], row["problem"]) == ("org/tiny@c0ffee", None)
    missing = dlec("plan", "new", "repeat", "org/tiny")
    assert missing.exit_code == 2
    assert "Write org/tiny@c0ffee" in missing.stderr


def test_no_checkpoints_is_reported_and_not_an_error(dlec, tmp_path: Path) -> None:
    result = dlec("models", tmp_path)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "No checkpoints found" in result.stderr
    assert json.loads(dlec("models", tmp_path, "--json").stdout) == []
