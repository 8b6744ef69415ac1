"""Colours: own themes, and those that leave the colours to the terminal."""

from dataclasses import replace

from textual.theme import BUILTIN_THEMES, Theme

from dlec_tui.terminal.theme_names import NO_COLOUR

_DARK = Theme(
    name="dark",
    primary="#5fa8d3",
    secondary="#8a9ba8",
    accent="#e3b04b",
    warning="#e08e45",
    error="#f0888d",
    success="#7fb069",
    foreground="#d8dee4",
    background="#14181d",
    surface="#1a2027",
    panel="#242c35",
    variables={"block-cursor-foreground": "#14181d", "block-cursor-background": "#e3b04b"},
)
_LIGHT = Theme(
    name="light",
    primary="#1f6f9f",
    secondary="#5b6b78",
    accent="#7f4a00",
    warning="#8f3f00",
    error="#a81f18",
    success="#22652a",
    foreground="#1c2227",
    background="#fbfaf7",
    surface="#f3f1ec",
    panel="#e6e3db",
    dark=False,
    variables={"block-cursor-foreground": "#fbfaf7", "block-cursor-background": "#7f4a00"},
)
_COLOUR_BLIND = Theme(
    name="colour-blind",
    primary="#56b4e9",
    secondary="#8a9ba8",
    accent="#56b4e9",
    warning="#e69f00",
    error="#e69f00",
    success="#56b4e9",
    foreground="#e0e0e0",
    background="#14181d",
    surface="#1a2027",
    panel="#242c35",
    variables={"block-cursor-foreground": "#14181d", "block-cursor-background": "#56b4e9"},
)
"""Blue against orange, which everybody can tell apart; source: Okabe and Ito's palette."""
_HIGH_CONTRAST = Theme(
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
    variables={
        "text-muted": "#ffffff",
        "text-disabled": "#d0d0d0",
        "block-cursor-foreground": "#000000",
        "block-cursor-background": "#ffff00",
        "border-blurred": "#ffffff",
    },
)
_ANSI = BUILTIN_THEMES["ansi-dark"]
_UNCOLOURED = ("scrollbar-background", "scrollbar-corner-color", "text-muted", "border-blurred", "border")
_NO_COLOUR = replace(
    _ANSI,
    name=NO_COLOUR,
    variables=_ANSI.variables | dict.fromkeys(_UNCOLOURED, "ansi_default") | {"scrollbar": "ansi_white"},
)
"""What still has a colour behind it here is reversed in the end."""

ALL_THEMES = (
    *(_DARK, _LIGHT, _COLOUR_BLIND, _HIGH_CONTRAST, _NO_COLOUR),
    *(BUILTIN_THEMES["ansi-dark"], BUILTIN_THEMES["ansi-light"]),
)
"""One for each name that can be chosen, and the one for NO_COLOR."""
