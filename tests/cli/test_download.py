"""`dlec download`, against a hub on this machine."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from tests.comparison.weights import base
from tests.fake_hub import FakeHub, serving

pytestmark = pytest.mark.slow


@pytest.fixture
def hub(tiny_llama: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """Holds org/tiny."""
    with serving("org/tiny", tiny_llama) as found:
        for name, value in found.environment.items():
            monkeypatch.setenv(name, value)
        yield found


def test_the_directory_is_printed(dlec, hub: FakeHub, tmp_path: Path) -> None:
    told = dlec("download", "org/tiny").stdout
    assert told.startswith("org/tiny: ")
    assert str(tmp_path / "no-hub-cache/models--org--tiny/snapshots") in told
    hub.served.clear()
    assert dlec("download", "org/tiny").stdout == told
    assert hub.served == []


def test_json_is_the_documented_shape(dlec, hub: FakeHub) -> None:
    report = json.loads(dlec("download", "org/tiny", "--json").stdout)
    assert list(report) == ["reference", "directory", "bytes"]
    assert report["reference"] == "org/tiny"
    assert report["bytes"] == sum(path.stat().st_size for path in hub.directory.iterdir())


def test_a_directory_is_found(dlec, tiny_llama: Path) -> None:
    assert json.loads(dlec("download", tiny_llama, "--json").stdout)["directory"] == str(tiny_llama)


@pytest.mark.usefixtures("hub")
def test_what_the_hub_lacks_is_an_error(dlec) -> None:
    result = dlec("download", "org/nowhere")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "was not found on the hub" in result.stderr


def test_ctrl_c_does_not_wait_for_the_file(hub: FakeHub, tmp_path: Path) -> None:
    is_asked, may_go_on = Event(), Event()
    hub.before_serving = lambda _name: (is_asked.set(), may_go_on.wait(60))
    process = subprocess.Popen(
        [sys.executable, "-m", "dlec_tui", "download", "org/tiny"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"HF_HUB_CACHE": str(tmp_path)},
        start_new_session=True,
    )
    assert is_asked.wait(60)
    os.killpg(process.pid, signal.SIGINT)
    stdout, stderr = process.communicate(timeout=20)
    may_go_on.set()
    assert (process.returncode, stdout) == (130, b"")
    assert stderr.split(b"\n")[-2].startswith(b"interrupted")
    assert b"Traceback" not in stderr


@pytest.mark.usefixtures("dlec")
def test_checkpoints_that_cannot_be_compared_are_refused_before_a_weight_is_downloaded(
    hub: FakeHub, tmp_path: Path
) -> None:
    environment = {**os.environ, "HF_HUB_CACHE": str(tmp_path / "cache"), "DLEC_HOME": str(tmp_path / "home")}

    def diff(*words: object) -> subprocess.CompletedProcess[str]:
        """In a process of its own, which reads where the hub is when it starts."""
        command = [sys.executable, "-m", "dlec_tui", "diff", *map(str, words), "--download"]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    refused = diff(base(tmp_path / "wider", hidden=48), "org/tiny")
    assert "cannot be compared: no tensor has a counterpart" in refused.stderr
    assert list((tmp_path / "cache").rglob("*.safetensors")) == []
    compared = diff(hub.directory, "org/tiny", "--json")
    assert {pair["identical"] for pair in json.loads(compared.stdout)["pairs"]} == {1.0}
    assert list((tmp_path / "cache").rglob("*.safetensors")) != []
    assert "org/nowhere was not found on the hub" in diff(hub.directory, "org/nowhere").stderr
