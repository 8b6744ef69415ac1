"""What tmux says about itself, and the way to the clipboard through it or past it."""

import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from shutil import which

import pytest

from dlec_tui.doctor.clipboard import clipboard_finding
from dlec_tui.doctor.result import State, fine
from dlec_tui.doctor.tmux import tmux_finding
from dlec_tui.terminal.tmux import Tmux, tmux_from, tmux_here
from engine.errors import MachineError

RECORDED = """\
3.3a|xterm-256color|1|bpaste,ccolour,clipboard,cstyle,focus,title
backspace C-?
buffer-limit 50
command-alias[0] split-pane=split-window
escape-time 500
exit-empty on
set-clipboard external
terminal-features[0] xterm*:clipboard:ccolour:cstyle:focus:title
user-keys
aggressive-resize off
allow-passthrough off
"""


def tmux(**changes: object) -> Tmux:
    known: dict[str, object] = {
        "version": "3.4",
        "outside": "xterm-256color",
        "is_unicode": True,
        "features": frozenset({"clipboard"}),
        "set_clipboard": "external",
        "allow_passthrough": "off",
        "escape_ms": 10,
    }
    return Tmux(**{**known, **changes})  # type: ignore[arg-type]


def test_its_answer_is_understood():
    known = tmux_from(RECORDED)
    assert (known.version, known.outside, known.is_unicode) == ("3.3a", "xterm-256color", True)
    assert "clipboard" in known.features
    assert (known.set_clipboard, known.allow_passthrough, known.escape_ms) == ("external", "off", 500)


def test_an_old_one_that_lacks_options_and_a_client_is_understood():
    known = tmux_from("2.9a|||\nescape-time 500\n")
    assert (known.outside, known.features, known.allow_passthrough) == ("", frozenset(), "on")


@pytest.mark.parametrize(
    ("version", "number"),
    [("3.3a", (3, 3)), ("next-3.6", (3, 6)), ("openbsd-7.0", (7, 0)), ("master", (99, 0)), ("3.10", (3, 10))],
)
def test_versions_are_compared_as_numbers(version, number):
    assert tmux(version=version).number == number


def test_a_well_set_tmux_needs_nothing():
    assert tmux_finding(tmux()) == fine("3.4, set-clipboard external, allow-passthrough off, escape-time 10 ms")


def test_a_slow_escape_and_a_client_without_utf_8_are_both_told():
    found = tmux_finding(tmux(escape_ms=500, is_unicode=False))
    assert found.state is State.NOTE
    assert "set -sg escape-time 10" in found.fix
    assert "tmux -u attach" in found.fix


def test_outside_tmux_there_is_nothing_to_say_against():
    assert tmux_finding(None).state is State.FINE


def route(environment: dict[str, str], inside: Tmux | None = None, *, has_terminal: bool = True) -> tuple[State, str]:
    found = clipboard_finding(environment, inside, has_terminal=has_terminal)
    return found.state, found.value


def test_a_tmux_that_can_hands_it_on_whatever_set_clipboard_says():
    state, value = route({"TERM": "tmux-256color"}, tmux(set_clipboard="off"))
    assert (state, value.split(",")[0]) == (State.FINE, "tmux load-buffer -w -")


def test_a_tmux_that_nobody_looks_at_is_not_suspected():
    assert route({}, tmux(outside="", features=frozenset()))[0] is State.FINE


def test_a_terminal_whose_clipboard_tmux_does_not_know_has_a_remedy():
    found = clipboard_finding({}, tmux(outside="rxvt", features=frozenset({"title"})), has_terminal=True)
    assert found.state is State.NOTE
    assert found.fix.endswith("set -as terminal-features ',rxvt:clipboard'")


def test_an_old_tmux_leaves_a_file():
    assert route({}, tmux(version="3.1c"))[1].startswith("a file")


def test_without_tmux_the_terminal_is_asked_itself():
    state, value = route({"TERM": "xterm-256color"})
    assert state is State.FINE
    assert value.startswith("OSC 52")


@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {}, {"TERM": "linux"}, {"TERM": "screen", "STY": "1.a"}])
def test_where_no_clipboard_can_be_reached_a_file_is_left(environment):
    assert route(environment)[1].startswith("a file")


def test_without_terminal_a_file_is_left():
    assert route({"TERM": "xterm"}, has_terminal=False)[1].startswith("a file")


@pytest.fixture
def real_tmux(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A server of our own, and the environment of a program inside it."""
    if not which("tmux"):
        pytest.skip("tmux is not installed")
    config = tmp_path / "tmux.conf"
    config.write_text("set -sg escape-time 123\nset -s set-clipboard on\n")
    ours = ["tmux", "-L", f"dlec-{uuid.uuid4().hex}", "-f", str(config)]
    subprocess.run([*ours, "new-session", "-d", "cat"], check=True)
    inside = subprocess.run(
        [*ours, "display-message", "-p", "#{socket_path},#{pid},0"], capture_output=True, check=True
    )
    monkeypatch.setenv("TMUX", inside.stdout.decode().strip())
    yield
    subprocess.run([*ours, "kill-server"], check=True)


@pytest.mark.usefixtures("real_tmux")
def test_a_real_tmux_answers():
    known = tmux_here()
    assert known is not None
    assert (known.set_clipboard, known.escape_ms) == ("on", 123)
    assert known.number >= (2, 0)


def test_a_tmux_that_is_gone_is_said_to_fail(monkeypatch, tmp_path):
    monkeypatch.setenv("TMUX", f"{tmp_path}/none,1,0")
    with pytest.raises(MachineError, match="tmux"):
        tmux_here()


def test_outside_tmux_nobody_is_asked(monkeypatch):
    monkeypatch.delenv("TMUX", raising=False)
    monkeypatch.setenv("PATH", "")
    assert tmux_here() is None
