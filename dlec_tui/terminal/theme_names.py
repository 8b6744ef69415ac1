"""Names of the themes, and the default for a terminal. Without Textual, for the command line."""

from collections.abc import Mapping

THEME_NAMES = ("dark", "light", "ansi-dark", "ansi-light", "colour-blind", "high-contrast")
"""Available themes."""
_WITH_FEW_COLOURS = {"light": "ansi-light", "ansi-light": "ansi-light"}
"""Replacements for themes whose colours the terminal lacks."""
_MANY_COLOURS = ("256color", "kitty", "direct")
"""Suffixes of TERM for 256 colours or more."""
NO_COLOUR = "no-colour"
"""The one for NO_COLOR: never chosen, and not left."""


def theme_for(chosen: str, environment: Mapping[str, str]) -> str:
    """The theme to begin with. chosen: by an option or in an earlier session; "" for neither."""
    if environment.get("NO_COLOR"):
        return NO_COLOUR
    if has_few_colours(environment):
        return _WITH_FEW_COLOURS.get(chosen, "ansi-dark")
    if chosen in THEME_NAMES:
        return chosen
    return "ansi-dark" if is_far(environment) and not environment.get("COLORTERM") else "dark"


def has_few_colours(environment: Mapping[str, str]) -> bool:
    """Whether the terminal has the sixteen colours with names, or fewer: others would be replaced by the nearest."""
    if environment.get("COLORTERM") or environment.get("TEXTUAL_COLOR_SYSTEM"):
        return False
    terminal = environment.get("TERM", "")
    return bool(terminal) and terminal.rpartition("-")[2] not in _MANY_COLOURS


def is_far(environment: Mapping[str, str]) -> bool:
    """Over SSH or in tmux: every byte travels, and the mouse is the terminal's own."""
    return bool(environment.get("SSH_CONNECTION") or environment.get("TMUX"))
