"""Directories are completed as they are typed."""

from pathlib import Path

import pytest

from dlec_tui.terminal.path_completion import completed


@pytest.fixture(autouse=True)
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("models/big", "models/small", ".hidden", "more"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "monkey.txt").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("typed", "whole"),
    [
        ("mod", "models/"),
        ("models/", "models/big/"),
        ("models/s", "models/small/"),
        ("~/mo", "~/models/"),
        (".h", ".hidden/"),
        ("monk", None),
        ("nowhere/x", None),
        ("\0", None),
        ("~nobody-has-this-name/x", None),
    ],
)
def test_the_first_directory_that_goes_on_so_is_suggested(typed: str, whole: str | None) -> None:
    assert completed(typed) == whole


def test_absolute_paths_stay_absolute(tree: Path) -> None:
    assert completed(f"{tree}/models/s") == f"{tree}/models/small/"
