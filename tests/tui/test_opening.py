"""Bare `dlec` in a real terminal: what it looks like there, and how it ends."""

import fcntl
import os
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from pty import fork

import click
import pytest
from click.testing import CliRunner

from dlec_tui.cli.exit_codes import UNEXPECTED
from dlec_tui.cli.main import dlec
from dlec_tui.session.state import read_session

ENTER_FULL_SCREEN, MOUSE_ON = b"\x1b[?1049h", b"\x1b[?1000h"
COLOUR = re.compile(rb"\x1b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9\d|10\d)(?:;|m)")
DRAWN = b"quit"
"""The last word of the footer."""
DEADLINE = 60.0
AT_ONCE = 3.0
"""Seconds: 0.4 on an idle machine, and far from the 30 that a thread hangs."""
SILENCE = 0.4
"""Seconds after which a screen has said what it had to say."""
DLEC = "from dlec_tui.__main__ import main; main()"
PLAIN = {"TERM": "xterm-256color", **dict.fromkeys(("TMUX", "SSH_CONNECTION", "COLORTERM", "NO_COLOR"), "")}


class Terminal:
    """A pseudo-terminal with a program on it."""

    def __init__(self, home: Path, *arguments: str, code: str = DLEC, environment: Mapping[str, str] = PLAIN) -> None:
        self.written = b""
        self.process, self._terminal = fork()
        if self.process == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
            surroundings = {**os.environ, "DLEC_HOME": str(home), **environment}
            os.execve(sys.executable, [sys.executable, "-c", code, *arguments], surroundings)

    def type(self, keys: bytes) -> None:
        os.write(self._terminal, keys)

    def until(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + DEADLINE
        while not condition():
            assert time.monotonic() < deadline, self.written[-2000:]
            self._read(0.05)

    def until_drawn(self) -> None:
        self.until(lambda: DRAWN in self.written)
        self.until(lambda: not self.written_for(SILENCE))

    def answer_to(self, keys: bytes) -> bytes:
        """What the screen sends because of them, until it says no more."""
        before = len(self.written)
        self.type(keys)
        self.until(lambda: len(self.written) > before)
        self.until(lambda: not self.written_for(SILENCE))
        return self.written[before:]

    def written_for(self, seconds: float) -> bytes:
        """What comes meanwhile."""
        before, end = len(self.written), time.monotonic() + seconds
        while time.monotonic() < end:
            self._read(0.05)
        return self.written[before:]

    def ended(self) -> int:
        """Its exit code."""
        self.until(lambda: not self._read(0.05))
        return self.reaped()

    def reaped(self) -> int:
        _, status = os.waitpid(self.process, 0)
        return os.waitstatus_to_exitcode(status)

    def _read(self, seconds: float) -> bool:
        """False when the other end is closed."""
        if select.select([self._terminal], [], [], seconds)[0]:
            try:
                piece = os.read(self._terminal, 65536)
            except OSError:  # how Linux says so
                return False
            self.written += piece
            return bool(piece)
        return True


def test_it_takes_the_whole_terminal_and_leaves_at_once(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    terminal.until_drawn()
    asked = time.monotonic()
    terminal.type(b"q")
    assert terminal.ended() == 0
    assert time.monotonic() - asked < AT_ONCE
    assert ENTER_FULL_SCREEN in terminal.written
    assert MOUSE_ON in terminal.written
    assert COLOUR.search(terminal.written)


def test_over_ssh_the_mouse_is_left_to_the_terminal_unless_it_is_asked_for(tmp_path: Path) -> None:
    far = PLAIN | {"SSH_CONNECTION": "10.0.0.1 1 10.0.0.2 22"}
    for arguments, is_on in (((), False), (("--mouse",), True)):
        terminal = Terminal(tmp_path, *arguments, environment=far)
        terminal.until_drawn()
        terminal.type(b"q")
        terminal.ended()
        assert (MOUSE_ON in terminal.written) == is_on


NOISY = f"""
import os, sys, threading, time
from dlec_tui.app import Workbench

def shout():
    while sys.__stderr__.fileno() == 2:
        time.sleep(0.01)
    for _ in range(50):
        os.write(2, b"NOISE from C")
        time.sleep(0.02)

threading.Thread(target=shout, daemon=True).start()
Workbench.on_ready = lambda app: app.run_worker(lambda: time.sleep(30), thread=True)
{DLEC}"""


def test_noise_goes_into_a_log_and_a_thread_that_hangs_keeps_nobody(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, code=NOISY)
    terminal.until_drawn()
    log = tmp_path / "logs" / "screen.log"
    terminal.until(lambda: log.exists() and log.read_bytes().count(b"NOISE") == 50)
    asked = time.monotonic()
    terminal.type(b"q")
    assert terminal.ended() == 0
    assert time.monotonic() - asked < AT_ONCE
    assert b"NOISE" not in terminal.written


def test_a_screen_that_is_told_to_end_saves_where_it_is(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    terminal.until_drawn()
    assert b"jobs" in terminal.answer_to(b"4")
    os.kill(terminal.process, signal.SIGTERM)
    terminal.until(lambda: not terminal.written_for(SILENCE))
    assert terminal.reaped() == 0
    assert read_session(tmp_path / "dlec.sqlite").pane == "runs"
    assert "Traceback" not in (tmp_path / "logs" / "screen.log").read_text()


BROKEN = f"""
from dlec_tui.app import Workbench
Workbench.on_ready = lambda app: 1 / 0
{DLEC}"""


def test_a_screen_that_breaks_says_where_to_read_why(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, code=BROKEN)
    assert terminal.ended() == UNEXPECTED
    assert b"the workbench crashed" in terminal.written
    assert b"screen.log" in terminal.written
    assert "ZeroDivisionError" in (tmp_path / "logs" / "screen.log").read_text()


THREAD_SECONDS = 30
BROKEN_WITH_A_THREAD = f"""
import threading, time
from dlec_tui.app import Workbench

def broken(app):
    threading.Thread(target=time.sleep, args=({THREAD_SECONDS},)).start()
    1 / 0

Workbench.on_ready = broken
{DLEC}"""


def test_a_screen_that_breaks_while_a_thread_hangs_says_the_same_at_once(tmp_path: Path) -> None:
    asked = time.monotonic()
    terminal = Terminal(tmp_path, code=BROKEN_WITH_A_THREAD)
    assert terminal.ended() == UNEXPECTED
    assert b"the workbench crashed" in terminal.written
    assert time.monotonic() - asked < THREAD_SECONDS


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_terminal_that_shows_no_screens_gets_help_and_the_reason(tmp_path: Path, term: str) -> None:
    terminal = Terminal(tmp_path, environment=PLAIN | {"TERM": term})
    assert terminal.ended() == 0
    assert ENTER_FULL_SCREEN not in terminal.written
    assert b"Usage: dlec" in terminal.written
    assert b"The workbench was not opened: TERM=" in terminal.written


def test_options_of_the_screen_before_a_verb_are_refused() -> None:
    result = CliRunner().invoke(dlec, ["--theme", "dark", "keys"])
    assert result.exit_code == 2
    assert "--theme is for the workbench" in result.output


def test_keys_lists_actions_and_says_what_the_keymap_gets_wrong(tmp_path: Path) -> None:
    (tmp_path / "keymap.toml").write_text('[keys]\n"plan.add" = "f9"\n"plan.nothing" = "f8"\n')
    result = CliRunner().invoke(dlec, ["keys", "--home", str(tmp_path)])
    assert re.search(r"F9 +plan.add", result.stdout)
    assert "unknown action plan.nothing" in result.stderr


def test_keys_can_be_tried(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, "keys", "--try")
    terminal.until(lambda: b"does" in terminal.written)
    terminal.until(lambda: b"\x1b[>25u" in terminal.written)
    for key in (b"\x10", b"\x08", b"\x1b"):
        terminal.answer_to(key)
    terminal.type(b"q")
    assert terminal.ended() == 0
    lines = click.unstyle(terminal.written.decode()).splitlines()
    assert any(line.split() == ["ctrl+p", r"'\x10'", "app.command_palette"] for line in lines)
    assert any(line.split()[:2] == ["backspace", r"'\x08'"] for line in lines)
    assert any(line.split()[:2] == ["escape", r"'\x1b'"] for line in lines)
    assert any("app.quit" in line for line in lines)


def test_without_a_terminal_keys_cannot_be_tried() -> None:
    assert CliRunner().invoke(dlec, ["keys", "--try"]).exit_code == 2
