"""Which colours there are, and which of them suit where we are; without Textual, for the command line."""

from collections.abc import Mapping

THEME_NAMES = ("dark", "light", "ansi-dark", "ansi-light", "colour-blind", "high-contrast")
"""Those that can be chosen."""
NO_COLOUR = "no-colour"
"""The one for NO_COLOR: never chosen, and not left."""


def theme_for(chosen: str, environment: Mapping[str, str]) -> str:
    """The theme to begin with. chosen: by an option or in an earlier session; "" for neither."""
    if environment.get("NO_COLOR"):
        return NO_COLOUR
    if chosen in THEME_NAMES:
        return chosen
    return "ansi-dark" if is_far(environment) and not environment.get("COLORTERM") else "dark"


def is_far(environment: Mapping[str, str]) -> bool:
    """Over SSH or in tmux: every byte travels, and the mouse is the terminal's own."""
    return bool(environment.get("SSH_CONNECTION") or environment.get("TMUX"))
