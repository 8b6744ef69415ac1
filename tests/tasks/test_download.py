"""What a download promises, with the real hub library against a hub on this machine."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.errors import CheckpointError, DlecError, MachineError, UsageError
from engine.tasks.process import EngineProcess
from tests.fake_hub import FakeHub, serving

Task = Callable[[str], dict[str, Any]]


@pytest.fixture
def hub(tiny_llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """Holds org/tiny; every process that is started takes it for the model hub."""
    repository = Path(shutil.copytree(tiny_llama, tmp_path / "repository"))
    (repository / "pytorch_model.bin").write_bytes(bytes(1000))
    with serving("org/tiny", repository) as found:
        for name, value in {**found.environment, "HF_HUB_CACHE": str(tmp_path / "cache")}.items():
            monkeypatch.setenv(name, value)
        yield found


@pytest.fixture
def progress() -> list[tuple[int, int, str]]:
    return []


@pytest.fixture
def download(hub: FakeHub, progress: list[tuple[int, int, str]]) -> Iterator[Task]:
    """Asks one process of tasks that knows the hub."""
    assert hub.url
    with EngineProcess(["engine.tasks", "download"], None, online=True) as process:
        yield lambda reference: process.answer(
            {"task": "download", "request": {"reference": reference}}, lambda *said: progress.append(said)
        )


def test_what_arrives_is_the_repository_without_what_nobody_reads(
    hub: FakeHub, download: Task, progress: list[tuple[int, int, str]]
) -> None:
    found = download("org/tiny")
    directory, wanted = Path(found["directory"]), set(hub.served)
    assert {path.name for path in directory.iterdir()} == wanted
    assert wanted == {path.name for path in hub.directory.iterdir()} - {"pytorch_model.bin"}
    assert all((directory / name).read_bytes() == (hub.directory / name).read_bytes() for name in wanted)
    nbytes = sum((hub.directory / name).stat().st_size for name in wanted)
    assert found == {"reference": "org/tiny", "directory": str(directory), "bytes": nbytes}
    assert progress[-1] == (nbytes, nbytes, "downloading")


def test_what_is_here_is_found_and_not_asked_for_again(hub: FakeHub, download: Task, tiny_llama: Path) -> None:
    found = download("org/tiny")
    hub.served.clear()
    assert download("org/tiny") == found
    assert download(str(tiny_llama))["directory"] == str(tiny_llama)
    assert hub.served == []


@pytest.mark.parametrize("lost", ["model.safetensors", "tokenizer.json"])
def test_a_download_that_was_cut_off_fetches_what_it_lacks(hub: FakeHub, download: Task, lost: str) -> None:
    file = Path(download("org/tiny")["directory"]) / lost
    file.resolve().unlink()
    file.unlink()
    hub.served.clear()
    download("org/tiny")
    assert file.read_bytes() == (hub.directory / lost).read_bytes()
    assert hub.served == [lost]


@pytest.mark.parametrize(
    ("reference", "kind", "says"),
    [
        ("org/nowhere", CheckpointError, "was not found on the hub"),
        ("org/na..me", UsageError, "is not a valid hub id"),
        ("no/such/directory", CheckpointError, "does not exist"),
    ],
)
def test_what_cannot_be_had_is_one_error(download: Task, reference: str, kind: type[DlecError], says: str) -> None:
    with pytest.raises(kind, match=says):
        download(reference)


def test_a_repository_without_weights_is_refused(hub: FakeHub, download: Task) -> None:
    (hub.directory / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match="holds no safetensors"):
        download("org/tiny")


@pytest.mark.usefixtures("hub")
def test_without_network_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    request = {"task": "download", "request": {"reference": "org/tiny"}}
    with (
        EngineProcess(["engine.tasks", "download"], None, online=True) as process,
        pytest.raises(MachineError, match="cannot be reached for org/tiny"),
    ):
        process.answer(request)
