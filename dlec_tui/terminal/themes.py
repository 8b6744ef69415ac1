"""Colours: own themes, and those that leave the colours to the terminal."""

from dataclasses import replace
from typing import Any

from textual.theme import BUILTIN_THEMES, Theme

from dlec_tui.terminal.theme_names import NO_COLOUR


def _own(*, muted: str, disabled: str, cursor: tuple[str, str], selection: str, **colours: Any) -> Theme:
    """Every tone of text is named: one that Textual works out is flattened to black or white by component styles.

    cursor: text and ground; selection: the ground of selected text.
    """
    variables = {
        "text-muted": muted,
        "text-disabled": disabled,
        "block-cursor-foreground": cursor[0],
        "block-cursor-background": cursor[1],
        "input-selection-background": selection,
        "input-selection-foreground": colours["foreground"],
        "border-blurred": disabled,
    }
    return Theme(variables=variables, **colours)


_DARK = _own(
    name="dark",
    primary="#5fa8d3",
    secondary="#8a9ba8",
    accent="#e3b04b",
    warning="#e08e45",
    error="#f0888d",
    success="#7fb069",
    foreground="#d8dee4",
    background="#15181c",
    surface="#1b1f24",
    panel="#262b31",
    muted="#a3abb3",
    disabled="#959ca4",
    cursor=("#15181c", "#e3b04b"),
    selection="#333a41",
)
"""Grounds are so close to grey that terminals with 256 colours show them as greys, not as navy."""
_LIGHT = _own(
    name="light",
    primary="#1f5f8f",
    secondary="#5b6b78",
    accent="#6b3a00",
    warning="#7a2f00",
    error="#a81f18",
    success="#22592a",
    foreground="#1c2227",
    background="#fbfaf7",
    surface="#f3f1ec",
    panel="#e6e3db",
    dark=False,
    muted="#4b535a",
    disabled="#565f67",
    cursor=("#fbfaf7", "#6b3a00"),
    selection="#d0d4d8",
)
_COLOUR_BLIND = _own(
    name="colour-blind",
    primary="#56b4e9",
    secondary="#8a9ba8",
    accent="#56b4e9",
    warning="#e69f00",
    error="#e69f00",
    success="#56b4e9",
    foreground="#e0e0e0",
    background="#15181c",
    surface="#1b1f24",
    panel="#262b31",
    muted="#a9adb1",
    disabled="#989da2",
    cursor=("#15181c", "#56b4e9"),
    selection="#333a41",
)
"""Blue against orange, which colour-blind users can distinguish; source: Okabe and Ito's palette."""
_HIGH_CONTRAST = _own(
    name="high-contrast",
    primary="#00ffff",
    secondary="#ffffff",
    accent="#ffff00",
    warning="#ffb000",
    error="#ff8080",
    success="#80ff80",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#000000",
    muted="#e4e4e4",
    disabled="#c6c6c6",
    cursor=("#000000", "#ffff00"),
    selection="#444444",
)
_TERMINALS_OWN = {
    **dict.fromkeys(("text-muted", "text-disabled", "foreground-muted", "foreground-disabled"), "ansi_default"),
    "block-cursor-foreground": "ansi_default",
    "block-cursor-background": "ansi_default",
    "block-cursor-text-style": "bold reverse",
    "border-blurred": "ansi_bright_black",
    "scrollbar": "ansi_bright_black",
    "scrollbar-hover": "ansi_default",
    "scrollbar-active": "ansi_default",
    **dict.fromkeys(
        ("scrollbar-background", "scrollbar-background-hover", "scrollbar-background-active"), "ansi_default"
    ),
    "scrollbar-corner-color": "ansi_default",
    "input-selection-background": "ansi_white",
    "input-selection-foreground": "ansi_black",
}
"""Colours that are readable with any terminal palette: backgrounds only by reverse video."""
_ANSI_DARK = replace(
    BUILTIN_THEMES["ansi-dark"],
    primary="ansi_cyan",
    secondary="ansi_default",
    accent="ansi_yellow",
    warning="ansi_bright_magenta",
    error="ansi_bright_red",
    success="ansi_green",
    variables=BUILTIN_THEMES["ansi-dark"].variables
    | _TERMINALS_OWN
    | {"border": "ansi_yellow", "footer-key-foreground": "ansi_yellow"},
)
_ANSI_LIGHT = replace(
    BUILTIN_THEMES["ansi-light"],
    primary="ansi_blue",
    secondary="ansi_default",
    accent="ansi_magenta",
    warning="ansi_red",
    error="ansi_red",
    success="ansi_blue",
    variables=BUILTIN_THEMES["ansi-light"].variables
    | _TERMINALS_OWN
    | {"border": "ansi_magenta", "footer-key-foreground": "ansi_magenta", "input-selection-background": "ansi_yellow"},
)
_UNCOLOURED = ("scrollbar-background", "scrollbar-corner-color", "text-muted", "border-blurred", "border")
_NO_COLOUR = replace(
    _ANSI_DARK,
    name=NO_COLOUR,
    variables=_ANSI_DARK.variables | dict.fromkeys(_UNCOLOURED, "ansi_default") | {"scrollbar": "ansi_white"},
)
"""Theme for NO_COLOR; remaining backgrounds become reverse video."""

ALL_THEMES = (
    *(_DARK, _LIGHT, _COLOUR_BLIND, _HIGH_CONTRAST, _NO_COLOUR),
    *(_ANSI_DARK, _ANSI_LIGHT),
)
"""One for each name that can be chosen, and the one for NO_COLOR."""
