"""Colours that suit the terminal, and screens without any."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.color import Color
from textual.pilot import Pilot

from dlec_tui.app import Workbench
from dlec_tui.terminal.filters import ascii_of
from dlec_tui.terminal.theme_names import NO_COLOUR, THEME_NAMES, theme_for
from dlec_tui.terminal.themes import ALL_THEMES
from tests.tui.conftest import played, settled, text_of

READABLE = 4.5
"""Contrast of text; source: WCAG 2."""


@pytest.mark.parametrize(
    ("chosen", "environment", "name"),
    [
        ("", {}, "dark"),
        ("", {"SSH_CONNECTION": "1 2 3 4"}, "ansi-dark"),
        ("", {"TMUX": "x"}, "ansi-dark"),
        ("", {"TMUX": "x", "COLORTERM": "truecolor"}, "dark"),
        ("light", {"TMUX": "x"}, "light"),
        ("of another version", {}, "dark"),
        ("light", {"NO_COLOR": "1"}, NO_COLOUR),
        ("", {"TERM": "xterm"}, "ansi-dark"),
        ("light", {"TERM": "xterm"}, "ansi-light"),
        ("high-contrast", {"TERM": "linux"}, "ansi-dark"),
        ("light", {"TERM": "xterm-256color"}, "light"),
        ("light", {"TERM": "xterm", "COLORTERM": "truecolor"}, "light"),
    ],
)
def test_the_theme_is_the_chosen_one_or_suits_the_terminal(chosen: str, environment: dict[str, str], name: str) -> None:
    assert theme_for(chosen, environment) == name


def test_every_name_has_its_theme() -> None:
    assert {theme.name for theme in ALL_THEMES} == {*THEME_NAMES, NO_COLOUR}


@pytest.mark.parametrize("theme", [theme for theme in ALL_THEMES if not theme.ansi], ids=lambda theme: theme.name)
def test_text_can_be_read_on_every_ground(theme) -> None:
    texts = [theme.foreground, theme.accent, theme.warning, theme.error, theme.success]
    for ground in (theme.background, theme.surface, theme.panel):
        for text in texts:
            assert contrast(Color.parse(text), Color.parse(ground)) >= READABLE, (theme.name, text, ground)
    cursor = (theme.variables[f"block-cursor-{part}"] for part in ("foreground", "background"))
    assert contrast(*map(Color.parse, cursor)) >= READABLE


@pytest.mark.parametrize("theme", [theme for theme in ALL_THEMES if not theme.ansi], ids=lambda theme: theme.name)
def test_mute_text_is_never_the_loudest(theme) -> None:
    ground = Color.parse(theme.background)
    loudness = [
        contrast(Color.parse(text), ground)
        for text in (theme.variables["text-disabled"], theme.variables["text-muted"], theme.foreground)
    ]
    assert loudness == sorted(loudness)
    assert loudness[0] < loudness[-1]


def contrast(one: Color, other: Color) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: Color) -> float:
    parts = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in colour.normalized)
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), parts, strict=True))


def test_without_colour_the_cursor_is_still_seen(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    segments = asyncio.run(drawn(Workbench(store)))
    assert not [each for each in segments if each.style and (each.style.color or each.style.bgcolor)]
    assert any(each.style.reverse and "Tiny" in each.text for each in segments if each.style)


async def drawn(app: Workbench) -> list:
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        return [segment for strip in app.screen._compositor.render_strips() for segment in strip]


def test_in_ascii_nothing_else_is_on_any_screen(store: Path) -> None:
    screens = []

    async def look_around(pilot: Pilot[str]) -> None:
        for pressed in ("f1", "q", "ctrl+p", "escape", "ctrl+o", "escape", "f3", "f4", "f5"):
            await pilot.press(pressed)
            await settled(pilot)
            screens.append(text_of(pilot.app))

    played(store, look_around, only_ascii=True)
    assert [screen.isascii() for screen in screens] == [True] * 9


@given(st.text())
def test_in_ascii_every_text_keeps_its_width(text: str) -> None:
    assert ascii_of(text).isascii()
    assert cell_len(ascii_of(text)) == sum(map(cell_len, text))


def test_a_theme_is_chosen_in_the_palette_and_kept(store: Path) -> None:
    async def choose() -> str:
        app = Workbench(store)
        async with app.run_test() as pilot:
            await pilot.press("ctrl+p", *"contrast", "enter")
            await settled(pilot)
            app.leave()
        return app.theme

    assert asyncio.run(choose()) == "high-contrast"
    assert Workbench(store).theme == "high-contrast"
