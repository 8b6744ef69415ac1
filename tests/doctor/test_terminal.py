"""What the terminal, the locale and the line between can carry."""

import os

import pytest

from dlec_tui.doctor.connection import connection_finding
from dlec_tui.doctor.encoding import encoding_finding
from dlec_tui.doctor.result import State, fine
from dlec_tui.doctor.terminal import MILLIONS, colours, terminal_finding

LARGE = os.terminal_size((120, 40))


@pytest.mark.parametrize(
    ("environment", "number"),
    [
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, MILLIONS),
        ({"TERM": "xterm", "COLORTERM": "24bit"}, MILLIONS),
        ({"TERM": "tmux-256color"}, 256),
        ({"TERM": "xterm-kitty"}, 256),
        ({"TERM": "xterm", "COLORTERM": "yes"}, 16),
        ({"TERM": "screen", "NO_COLOR": ""}, 16),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor", "NO_COLOR": "1"}, 0),
    ],
)
def test_colours_are_counted_as_rich_counts_them(environment, number):
    from rich.color import ColorSystem
    from rich.console import Console

    counted = {ColorSystem.STANDARD: 16, ColorSystem.EIGHT_BIT: 256, ColorSystem.TRUECOLOR: MILLIONS}
    console = Console(force_terminal=True, _environ=environment)
    assert colours(environment) == number
    assert number == (0 if console.no_color else counted[ColorSystem[_system_name(console.color_system)]])


def _system_name(system: str | None) -> str:
    return {"standard": "STANDARD", "256": "EIGHT_BIT", "truecolor": "TRUECOLOR"}[system or ""]


def test_a_good_terminal_is_fine():
    assert terminal_finding({"TERM": "xterm-256color"}, LARGE) == fine("xterm-256color, 120x40, 256 colours")


def test_few_colours_have_a_remedy_that_differs_inside_tmux():
    assert terminal_finding({"TERM": "xterm"}, LARGE).fix.endswith("export TERM=xterm-256color")
    inside = terminal_finding({"TERM": "screen", "TMUX": "/tmp/tmux-0/default,1,0"}, LARGE)
    assert inside.fix.endswith("set -g default-terminal tmux-256color")


@pytest.mark.parametrize("size", [(79, 24), (80, 23)])
def test_a_small_window_is_worth_a_note(size):
    found = terminal_finding({"TERM": "xterm-256color"}, os.terminal_size(size))
    assert found.state is State.NOTE
    assert "80x24" in found.fix


@pytest.mark.parametrize("environment", [{}, {"TERM": ""}, {"TERM": "dumb"}])
def test_a_dumb_terminal_is_a_problem_that_leaves_the_command_line(environment):
    found = terminal_finding(environment, LARGE)
    assert found.state is State.PROBLEM
    assert not found.stops_dlec


def test_no_terminal_is_no_problem():
    assert terminal_finding({"TERM": "xterm"}, None).state is State.NOTE


def test_what_TERM_holds_cannot_steer_the_terminal():  # noqa: N802
    assert "\x1b" not in terminal_finding({"TERM": "\x1b[31mred-256color"}, LARGE).value


@pytest.mark.parametrize("name", ["UTF-8", "utf8", "utf_8"])
def test_every_spelling_of_utf_8_is_fine(name):
    assert encoding_finding({"LANG": "C.UTF-8"}, name, name) == fine("UTF-8 (LANG=C.UTF-8)")


def test_the_variable_that_decides_is_named():
    environment = {"LANG": "de_DE.UTF-8", "LC_CTYPE": "C.UTF-8", "LC_ALL": ""}
    assert encoding_finding(environment, "UTF-8", "utf-8").value == "UTF-8 (LC_CTYPE=C.UTF-8)"


def test_an_ascii_locale_hurts_other_programs_only():
    found = encoding_finding({"LC_ALL": "C"}, "ANSI_X3.4-1968", "utf-8")
    assert found.state is State.NOTE
    assert found.fix.endswith("export LC_ALL=C.UTF-8")


def test_output_that_is_not_utf_8_is_a_problem():
    assert encoding_finding({"LANG": "de_DE"}, "ISO-8859-1", "iso8859-1").state is State.PROBLEM


def test_ssh_is_recognised_and_compression_recommended():
    found = connection_finding({"SSH_CONNECTION": "fe80::1%eth0 50022 10.0.0.9 22"})
    assert found.value.startswith("SSH from fe80::1%eth0;")
    assert found.fix.endswith("Compression yes")


def test_without_ssh_there_is_nothing_to_do():
    assert connection_finding({}) == fine("not over SSH")
