"""Where a copied text goes."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dlec_tui.terminal.clipboard import MOST_ENCODED, Route, copy, route
from dlec_tui.terminal.tmux import tmux_from
from engine.errors import MachineError
from tests.tui.conftest import keys, played

XTERM = {"TERM": "xterm-256color"}


@pytest.mark.parametrize(
    ("environment", "has_terminal", "way"),
    [
        (XTERM, True, Route.TERMINAL),
        (XTERM, False, Route.FILE),
        (XTERM | {"STY": "1.pts"}, True, Route.FILE),
        ({"TERM": "linux"}, True, Route.FILE),
    ],
)
def test_the_way_suits_the_terminal(environment: dict[str, str], has_terminal: bool, way: Route) -> None:
    assert route(environment, None, has_terminal=has_terminal) is way


@pytest.mark.parametrize(("version", "way"), [("3.3a", Route.TMUX), ("3.2", Route.TMUX), ("2.9", Route.FILE)])
def test_an_old_tmux_hands_nothing_on(version: str, way: Route) -> None:
    assert route(XTERM, tmux_from(f"{version}|xterm|1|\n"), has_terminal=True) is way


def test_the_terminal_gets_as_much_as_it_takes_and_a_file_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    most = MOST_ENCODED // 4 * 3
    assert copy("hé", tmp_path).for_terminal == "\x1b]52;c;aMOp\a"
    assert copy("x" * most, tmp_path).for_terminal
    copied = copy("x" * (most + 1), tmp_path)
    assert not copied.for_terminal
    assert f"written to {tmp_path / 'copied.txt'}" in copied.said
    assert (tmp_path / "copied.txt").stat().st_size == most + 1


def test_what_cannot_even_be_written_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "linux")
    (tmp_path / "home").write_text("no directory")
    with pytest.raises(MachineError, match="copied.txt cannot be written"):
        copy("text", tmp_path / "home")


@pytest.fixture
def tmux(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A tmux with nobody's settings, which we are inside of; the command to ask it."""
    if not shutil.which("tmux"):
        pytest.skip("there is no tmux here")
    command = ["tmux", "-S", str(tmp_path / "tmux"), "-f", os.devnull]
    subprocess.run([*command, "new-session", "-d", "-x", "80", "-y", "24", "sleep 60"], check=True)
    monkeypatch.setenv("TMUX", f"{tmp_path / 'tmux'},1,0")
    yield command
    subprocess.run([*command, "kill-server"], check=True)


def test_in_tmux_as_it_comes_a_text_lands_in_its_buffer(tmux: list[str], store: Path) -> None:
    assert "copied (tmux)" in played(store, keys("y"))
    buffer = subprocess.run([*tmux, "show-buffer"], check=True, capture_output=True, text=True).stdout
    assert "Tiny-135M" in buffer or "Unprofiled-8B" in buffer


def test_a_tmux_that_does_not_answer_leaves_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMUX", f"{tmp_path / 'gone'},1,0")
    assert "written to" in copy("text", tmp_path).said
    assert (tmp_path / "copied.txt").read_text() == "text"
