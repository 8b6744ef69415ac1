"""In every theme, and with as few colours as a terminal may have, all text can be read and every cursor be seen."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.color import ColorSystem
from rich.segment import Segment
from textual.geometry import Region
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import DataTable, Input, OptionList, TextArea

from dlec_tui.terminal.theme_names import NO_COLOUR, THEME_NAMES
from dlec_tui.widgets.heat_map import HeatMap
from dlec_tui.widgets.line_list import LineList
from dlec_tui.widgets.neuron_table import NeuronTable
from tests.tui.contrast import DARK_PALETTES, LIGHT_PALETTES, Terminal, colours_of, contrast, texts
from tests.tui.tour import prepared, toured

USUAL = ("dark", "light", "ansi-dark")
"""Themes that are looked at in every run; the others with -m stress."""
READABLE = 4.5
"""Contrast of text; source: WCAG 2."""
SEEN = 3.0
"""Contrast of a cursor's ground to what is around it."""
Strips = list[list[Segment]]
WITH_CURSOR = (LineList, NeuronTable, OptionList, DataTable, TextArea, Input, HeatMap)


def terminals(theme: str) -> list[Terminal]:
    """In which a theme is used: see test_themes for what is chosen where."""
    if theme.startswith("ansi") or theme == NO_COLOUR:
        palettes = LIGHT_PALETTES if theme.endswith("light") else DARK_PALETTES
        return [Terminal(f"16 colours of {name}", ColorSystem.STANDARD, each) for name, each in palettes.items()]
    any_palette = DARK_PALETTES["xterm"]
    return [
        Terminal("truecolour", ColorSystem.TRUECOLOR, any_palette),
        Terminal("256 colours", ColorSystem.EIGHT_BIT, any_palette),
    ]


def _often_or_under_stress(theme: str) -> object:
    return theme if theme in USUAL else pytest.param(theme, marks=pytest.mark.stress)


@pytest.fixture(scope="module")
def store() -> Iterator[Path]:
    with prepared() as path:
        yield path


@pytest.mark.parametrize("theme", [_often_or_under_stress(name) for name in (*THEME_NAMES, NO_COLOUR)])
def test_text_can_be_read_and_the_cursor_be_seen_in_every_state(
    store: Path, theme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLORTERM", "truecolor")
    if theme == NO_COLOUR:
        monkeypatch.setenv("NO_COLOR", "1")
    found: dict[str, str] = {}

    async def look(pilot: Pilot[str], state: str) -> None:
        strips = drawn(pilot.app.screen)
        for terminal in terminals(theme):
            for fault in [*unreadable(strips, terminal), *unseen(pilot.app.screen, strips, terminal)]:
                found.setdefault(f"{terminal.name}: {fault}", state)

    toured(store, look, theme=theme)
    assert not found, "\n".join(f"{fault} ({state})" for fault, state in found.items())


def unreadable(strips: Strips, terminal: Terminal) -> Iterator[str]:
    """Texts with too little contrast, one for each pair of colours."""
    pairs = {colours_of(style, terminal): text for text, style in texts(strips)}
    for (front, ground), text in pairs.items():
        if contrast(front, ground) < READABLE:
            yield f"{contrast(front, ground):.1f}, {hexes(front, ground)}: {text.strip()[:40]!r}"


def unseen(screen: Screen[object], strips: Strips, terminal: Terminal) -> Iterator[str]:
    """The focused widget, if its cursor does not stand out."""
    focused = screen.focused
    if isinstance(focused, WITH_CURSOR) and focused.region.area and has_items(focused):
        grounds = Counter(grounds_in(strips, focused.region, terminal))
        usual = grounds.most_common(1)[0][0]
        best = max(contrast(usual, ground) for ground in grounds)
        if best < SEEN:
            yield f"{best:.1f}, no cursor to be seen in {type(focused).__name__} #{focused.id}"


def has_items(widget: Widget) -> bool:
    match widget:
        case LineList():
            return bool(widget.items)
        case DataTable() | NeuronTable():
            return widget.row_count > 0
    return True


def grounds_in(strips: Strips, region: Region, terminal: Terminal) -> Iterator[tuple[int, int, int]]:
    for strip in strips[region.y : region.bottom]:
        x = 0
        for segment in strip:
            if region.x <= x < region.right:
                yield from [colours_of(segment.style, terminal)[1]] * segment.cell_length
            x += segment.cell_length


def hexes(*colours: tuple[int, int, int]) -> str:
    return " on ".join("#{:02x}{:02x}{:02x}".format(*each) for each in colours)


def drawn(screen: Screen[object]) -> Strips:
    return [list(strip) for strip in screen._compositor.render_strips()]
