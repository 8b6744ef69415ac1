"""What the terminal can show."""

import os
import sys
from collections.abc import Mapping

from dlec_tui.doctor.result import Finding, fine, note, problem
from engine.errors import shown

SMALLEST = os.terminal_size((80, 24))
"""On which everything can be reached without zooming."""
MILLIONS = 1 << 24
_BY_SUFFIX = {"256color": 256, "kitty": 256}


def look() -> Finding:
    return terminal_finding(os.environ, terminal_size())


def terminal_size() -> os.terminal_size | None:
    """Of the terminal that we sit at, were it only for typing or for errors; None where there is none."""
    for stream in (sys.__stdout__, sys.__stderr__, sys.__stdin__):
        if stream is not None and stream.isatty():
            return os.get_terminal_size(stream.fileno())
    return None


def terminal_finding(environment: Mapping[str, str], size: os.terminal_size | None) -> Finding:
    term = environment.get("TERM", "")
    if size is None:
        return note("none: this does not run in a terminal", "Run it in the terminal that you want to know about.")
    if term in ("", "dumb"):
        return problem(
            f"{term or 'TERM is not set'}, {_words(size)}: a screen cannot be drawn, only lines",
            "If the terminal can do more:\n  export TERM=xterm-256color",
        )
    number = colours(environment)
    value = f"{shown(term)}, {_words(size)}, {_colour_words(number)}"
    if size.columns < SMALLEST.columns or size.lines < SMALLEST.lines:
        return note(value, f"Make the window larger: the screen wants {_words(SMALLEST)}.")
    return note(value, _more_colours(environment)) if number == 16 else fine(value)


def colours(environment: Mapping[str, str]) -> int:
    """How many will be used. As rich decides it, which draws for us; 0 where NO_COLOR asks for none."""
    if environment.get("NO_COLOR"):
        return 0
    if environment.get("COLORTERM", "").strip().lower() in ("truecolor", "24bit"):
        return MILLIONS
    return _BY_SUFFIX.get(environment.get("TERM", "").rpartition("-")[2], 16)


def _more_colours(environment: Mapping[str, str]) -> str:
    if environment.get("TMUX"):
        return "For more colours, in ~/.tmux.conf:\n  set -g default-terminal tmux-256color"
    return "For more colours, if the terminal has them:\n  export TERM=xterm-256color"


def _words(size: os.terminal_size) -> str:
    return f"{size.columns}x{size.lines}"


def _colour_words(number: int) -> str:
    if number == 0:
        return "no colours, as NO_COLOR asks"
    return f"{'16 million' if number == MILLIONS else number} colours"
