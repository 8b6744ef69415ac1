"""Check of what the terminal can display."""

import os
import sys
from collections.abc import Mapping

from dlec_tui.doctor.result import Finding, fine, note, problem
from engine.errors import shown

SMALLEST = os.terminal_size((80, 24))
"""Smallest size in which every part is usable without zooming."""
MILLIONS = 1 << 24
_BY_SUFFIX = {"256color": 256, "kitty": 256}


def look() -> Finding:
    return terminal_finding(os.environ, terminal_size())


def terminal_size() -> os.terminal_size | None:
    """Size of the terminal on standard output, error or input; None without a terminal."""
    for stream in (sys.__stdout__, sys.__stderr__, sys.__stdin__):
        if stream is not None and stream.isatty():
            return os.get_terminal_size(stream.fileno())
    return None


def terminal_finding(environment: Mapping[str, str], size: os.terminal_size | None) -> Finding:
    term = environment.get("TERM", "")
    if size is None:
        return note("none: not running in a terminal", "Run dlec doctor in the terminal that you use.")
    if term in ("", "dumb"):
        return problem(
            f"{term or 'TERM is not set'}, {_words(size)}; no full-screen interface",
            "If the terminal supports more:\n  export TERM=xterm-256color",
        )
    number = colours(environment)
    value = f"{shown(term)}, {_words(size)}, {_colour_words(number)}"
    if size.columns < SMALLEST.columns or size.lines < SMALLEST.lines:
        return note(value, f"Enlarge the window to at least {_words(SMALLEST)}.")
    return note(value, _more_colours(environment)) if number == 16 else fine(value)


def colours(environment: Mapping[str, str]) -> int:
    """Number of colours in use, by the rules of rich; 0 with NO_COLOR."""
    if environment.get("NO_COLOR"):
        return 0
    if environment.get("COLORTERM", "").strip().lower() in ("truecolor", "24bit"):
        return MILLIONS
    return _BY_SUFFIX.get(environment.get("TERM", "").rpartition("-")[2], 16)


def _more_colours(environment: Mapping[str, str]) -> str:
    if environment.get("TMUX"):
        return "For more colours, add to ~/.tmux.conf:\n  set -g default-terminal tmux-256color"
    return "For more colours, if the terminal supports them:\n  export TERM=xterm-256color"


def _words(size: os.terminal_size) -> str:
    return f"{size.columns}x{size.lines}"


def _colour_words(number: int) -> str:
    if number == 0:
        return "no colours (NO_COLOR)"
    return f"{'16 million' if number == MILLIONS else number} colours"
