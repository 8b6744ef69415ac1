"""Bare `dlec`: a screen for a person at a terminal, help for everybody else."""

import os
import sys
from pathlib import Path
from pty import fork

import pytest

ENTER_FULL_SCREEN = b"\x1b[?1049h"


def on_a_terminal(home: Path, **environment: str) -> tuple[bytes, int]:
    """What bare `dlec` writes there, and its exit code; once it shows a screen, q is pressed."""
    process, terminal = fork()
    if process == 0:
        os.execve(
            sys.executable, [sys.executable, "-m", "dlec_tui"], {**os.environ, "DLEC_HOME": str(home), **environment}
        )
    written = b""
    try:
        while piece := os.read(terminal, 65536):
            written += piece
            if b"dlec demo" in written and ENTER_FULL_SCREEN in written:
                os.write(terminal, b"q")
    except OSError:  # how Linux says that the other end is closed
        pass
    _, status = os.waitpid(process, 0)
    os.close(terminal)
    return written, os.waitstatus_to_exitcode(status)


def test_at_a_terminal_it_opens_the_screen_and_q_leaves_it(tmp_path: Path) -> None:
    written, code = on_a_terminal(tmp_path, TERM="xterm-256color")
    assert ENTER_FULL_SCREEN in written
    assert b"Nothing has been measured yet" in written
    assert code == 0
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {"TERM": ""}])
def test_a_terminal_that_shows_no_screens_gets_help(tmp_path: Path, environment: dict[str, str]) -> None:
    written, code = on_a_terminal(tmp_path, **environment)
    assert ENTER_FULL_SCREEN not in written
    assert b"Usage: dlec" in written
    assert code == 0


def test_over_ssh_the_mouse_is_left_to_the_terminal(tmp_path: Path) -> None:
    mouse_on = b"\x1b[?1000h"
    environment = {"TERM": "xterm-256color", "TMUX": ""}
    assert mouse_on in on_a_terminal(tmp_path, SSH_CONNECTION="", **environment)[0]
    assert mouse_on not in on_a_terminal(tmp_path, SSH_CONNECTION="10.0.0.1 1 10.0.0.2 22", **environment)[0]
