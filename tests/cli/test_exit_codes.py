"""How the process ends."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dlec_tui.cli.exit_codes import CODE_OF
from engine.errors import CheckpointError, DlecError, MachineError, PlanError, UsageError

DLEC = [sys.executable, "-m", "dlec_tui"]


def failing(error: BaseException):
    def fail(*_arguments: object) -> None:
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (CheckpointError("it", why="broken"), 1),
        (PlanError("it", why="broken"), 1),
        (UsageError("it", why="broken"), 2),
        (MachineError("it", why="broken"), 3),
        (PermissionError(13, "broken", "it"), 3),
    ],
)
def test_each_error_is_one_message_on_stderr_and_its_code(dlec, monkeypatch, error: Exception, code: int) -> None:
    monkeypatch.setattr("dlec_tui.cli.models.below", failing(error))
    result = dlec("models")
    assert (result.exit_code, result.stdout, result.stderr) == (code, "", "error: it: broken\n")


def test_every_error_class_has_a_code() -> None:
    assert set(CODE_OF) == {kind for kind in DlecError.__subclasses__() if kind.__module__ == "engine.errors"}


def test_an_interrupt_is_one_line(dlec, monkeypatch) -> None:
    monkeypatch.setattr("dlec_tui.cli.models.below", failing(KeyboardInterrupt()))
    result = dlec("models")
    assert (result.exit_code, result.stdout) == (130, "")
    assert result.stderr.strip() == "interrupted; the same command continues where this one stopped"


@pytest.mark.parametrize("arguments", [["--no-such-option"], ["no-such-verb"], ["plan", "check", "nowhere.yaml"]])
def test_what_is_not_understood_ends_with_2(dlec, arguments: list[str]) -> None:
    assert dlec(*arguments).exit_code == 2


@pytest.mark.parametrize("arguments", [[], ["--help"], ["--version"], ["plan", "check", "--help"]])
def test_asking_for_help_is_fine(dlec, arguments: list[str]) -> None:
    result = dlec(*arguments)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "dlec" in result.stdout


def test_help_lists_the_exit_codes(dlec) -> None:
    assert "130  interrupted" in dlec("--help").stdout


@pytest.mark.parametrize("verb", ["models", "demo"])
def test_a_reader_that_goes_away_is_no_traceback(verb: str, tiny_llama: Path, tmp_path: Path) -> None:
    arguments = {"models": [tiny_llama], "demo": [tmp_path, "--model", tiny_llama]}[verb]
    process = subprocess.Popen([*DLEC, verb, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    stderr = process.stderr.read()
    process.stderr.close()
    assert (process.wait(), stderr) == (141, b"")


@pytest.mark.parametrize(("settings", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True)])
def test_colours_are_for_terminals_that_want_them(tmp_path: Path, settings: dict[str, str], coloured: bool) -> None:
    (tmp_path / "plan.yaml").write_text("- a list\n")
    assert (b"\x1b[" in on_a_terminal(["plan", "check", "plan.yaml"], tmp_path, settings)) is coloured


def on_a_terminal(arguments: list[str], directory: Path, settings: dict[str, str]) -> bytes:
    """What `dlec` writes when stdout is a terminal."""
    terminal, screen = os.openpty()
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"} | settings
    subprocess.run([*DLEC, *arguments], stdout=screen, cwd=directory, env=environment | python_path())
    os.close(screen)
    with os.fdopen(terminal, "rb", buffering=0) as reader:
        return reader.read(65536)


def python_path() -> dict[str, str]:
    """Lets a process in another directory import the checkout."""
    return {"PYTHONPATH": str(Path(__file__).parents[2])}


@pytest.fixture
def silent_index() -> Iterator[str]:
    """A package index that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/simple"


def test_ctrl_c_during_a_download_ends_with_130_and_one_line(tmp_path: Path, silent_index: str) -> None:
    pip = {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": silent_index, "PIP_FIND_LINKS": "", "PIP_NO_CACHE_DIR": "1"}
    process = subprocess.Popen(
        [*DLEC, "demo", tmp_path / "demo"], stderr=subprocess.PIPE, env=os.environ | pip, start_new_session=True
    )
    wait_for(tmp_path / "demo")
    os.killpg(process.pid, signal.SIGINT)
    _, stderr = process.communicate(timeout=20)
    assert process.returncode == 130
    assert stderr.split(b"\n")[-2] == b"interrupted; the same command continues where this one stopped"
    assert b"Traceback" not in stderr


def wait_for(path: Path) -> None:
    import time

    deadline = time.monotonic() + 20
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
