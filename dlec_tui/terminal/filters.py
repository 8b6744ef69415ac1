"""The last thing that happens to what is drawn: only ASCII with --ascii, no colour with NO_COLOR."""
# ruff: noqa: RUF001 - a table of what looks alike

import unicodedata
from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

_ALIKE = {
    **dict.fromkeys("─━┄┅┈┉╌╍═╴╶╸╺╼╾‐‑‒–—―−▁▂", "-"),
    **dict.fromkeys("│┃┆┇┊┋╎╏║╵╷╹╻╽╿▌▍▎▏▐▕▊▋‖", "|"),
    **dict.fromkeys("▔▀“”", '"'),
    **dict.fromkeys("‘’‚′", "'"),
    **dict.fromkeys("▃▄", "_"),
    **dict.fromkeys("▅▆▇█▉■▓", "#"),
    **dict.fromkeys("░·‧∙⋅…", "."),
    **dict.fromkeys("▒", ":"),
    **dict.fromkeys("•●◉★", "*"),
    **dict.fromkeys("○◌◯", "o"),
    **dict.fromkeys("→▶▸►›»❯⏵", ">"),
    **dict.fromkeys("←◀◂◄‹«❮⏴", "<"),
    **dict.fromkeys("↑▲▴△⏶", "^"),
    **dict.fromkeys("↓▼▾▽⏷", "v"),
    **dict.fromkeys("×✗✘✕✖", "x"),
    **dict.fromkeys("✓✔", "+"),
    "Δ": "d",
    "±": "~",
    "\u2800": " ",
}
_BOX, _BRAILLE = range(0x2500, 0x2580), range(0x2801, 0x2900)


class OnlyAscii(LineFilter):
    """Every other character becomes one that looks alike, cell for cell."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        return [
            segment if segment.text.isascii() else Segment(ascii_of(segment.text), segment.style, segment.control)
            for segment in segments
        ]


class WithoutColour(LineFilter):
    """Replaces background colours by reverse video, so that cursors stay visible."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        return [Segment(text, style and _plain(style), control) for text, style, control in segments]


def ascii_of(text: str) -> str:
    """The same in ASCII, as many cells wide."""
    return "".join(map(_ascii_character, text))


@lru_cache(4096)
def _ascii_character(character: str) -> str:
    if character.isascii():
        return character
    width = cell_len(character)
    alike = _ALIKE.get(character) or _by_block(character)
    bare = alike or unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return bare if len(bare) == width else "?" * width


def _by_block(character: str) -> str:
    if ord(character) in _BOX:
        return "+"
    return "*" if ord(character) in _BRAILLE else ""


@lru_cache(4096)
def _plain(style: Style) -> Style:
    is_coloured = style.bgcolor is not None and not style.bgcolor.is_default
    return Style(
        bold=style.bold,
        dim=style.dim,
        italic=style.italic,
        underline=style.underline,
        reverse=is_coloured or style.reverse,
        strike=style.strike,
        link=style.link,
        meta=style.meta,
    )
