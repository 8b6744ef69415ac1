"""What a terminal shows of a style: colours as it draws them, and how well one can be told from another."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from rich.color import Color, ColorSystem
from rich.segment import Segment
from rich.style import Style
from rich.terminal_theme import TerminalTheme

Triplet = tuple[int, int, int]
DIM = 0.5
"""What is left of a colour that is dim; the rest is the ground's."""


def _palette(background: str, foreground: str, colours: str) -> TerminalTheme:
    numbers = [_triplet(each) for each in colours.split()]
    return TerminalTheme(_triplet(background), _triplet(foreground), numbers[:8], numbers[8:])


def _triplet(text: str) -> Triplet:
    return int(text[0:2], 16), int(text[2:4], 16), int(text[4:6], 16)


XTERM = (
    "000000 cd0000 00cd00 cdcd00 0000ee cd00cd 00cdcd e5e5e5 7f7f7f ff0000 00ff00 ffff00 5c5cff ff00ff 00ffff ffffff"
)
TANGO = (
    "2e3436 cc0000 4e9a06 c4a000 3465a4 75507b 06989a d3d7cf 555753 ef2929 8ae234 fce94f 729fcf ad7fa8 34e2e2 eeeeec"
)
VSCODE = (
    "000000 cd3131 0dbc79 e5e510 2472c8 bc3fbc 11a8cd e5e5e5 666666 f14c4c 23d18b f5f543 3b8eea d670d6 29b8db e5e5e5"
)
VSCODE_LIGHT = (
    "000000 cd3131 00bc00 949800 0451a5 bc05bc 0598bc 555555 666666 cd3131 14ce14 b5ba00 0451a5 bc05bc 0598bc a5a5a5"
)
DARK_PALETTES: Mapping[str, TerminalTheme] = {
    "xterm": _palette("000000", "e5e5e5", XTERM),
    "VS Code": _palette("1e1e1e", "cccccc", VSCODE),
    "Tango": _palette("000000", "d3d7cf", TANGO),
}
LIGHT_PALETTES: Mapping[str, TerminalTheme] = {
    "xterm": _palette("ffffff", "000000", XTERM),
    "VS Code": _palette("ffffff", "333333", VSCODE_LIGHT),
    "Tango": _palette("ffffff", "2e3436", TANGO),
}
"""The colours that terminals have for ANSI's sixteen names, as they come; facts, from their defaults."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """How many colours it has, and what the sixteen look like there."""

    name: str
    system: ColorSystem
    palette: TerminalTheme


def colours_of(style: Style | None, terminal: Terminal) -> tuple[Triplet, Triplet]:
    """Text and ground."""
    return _colours_of(style or Style(), terminal.system, terminal.palette)


@lru_cache(4096)
def _colours_of(style: Style, system: ColorSystem, palette: TerminalTheme) -> tuple[Triplet, Triplet]:
    front = _shown(style.color, system, palette, is_text=True)
    ground = _shown(style.bgcolor, system, palette, is_text=False)
    if style.reverse:
        front, ground = ground, front
    if style.dim:
        front = tuple(round(DIM * one + (1 - DIM) * other) for one, other in zip(front, ground, strict=True))
    return front, ground


def _shown(colour: Color | None, system: ColorSystem, palette: TerminalTheme, *, is_text: bool) -> Triplet:
    found = (colour or Color.default()).downgrade(system).get_truecolor(palette, foreground=is_text)
    return found.red, found.green, found.blue


@lru_cache(4096)
def contrast(one: Triplet, other: Triplet) -> float:
    """From 1 to 21; source: WCAG 2."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: Triplet) -> float:
    parts = (part / 255 for part in colour)
    linear = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def texts(strips: list[list[Segment]]) -> Iterator[tuple[str, Style | None]]:
    """What is read; signs that only draw something are none."""
    for strip in strips:
        for text, style, _ in strip:
            if any(character.isalnum() for character in text):
                yield text, style
