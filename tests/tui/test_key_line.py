"""The line of keys: follows the pane and what can be done, and takes clicks."""

from pathlib import Path

from textual.pilot import Pilot

from dlec_tui.widgets.frame import KeyLine
from tests.tui.conftest import keys, played, settled, text_of


def shown(screen: str) -> str:
    return screen.rstrip("\n").splitlines()[-1]


def test_it_follows_the_pane(store: Path) -> None:
    assert shown(played(store, keys())).startswith("Enter open p profile a add d download")
    assert shown(played(store, keys("4"))).startswith("Enter details")


def test_what_cannot_be_done_is_dim(store: Path) -> None:
    async def play(pilot: Pilot[None]) -> None:
        line = pilot.app.screen.query_one(KeyLine).render()
        dim = [line.plain[span.start : span.end] for span in line.spans if span.style == "$text-disabled"]
        assert "p profile" in dim  # the model's directory is gone
        assert "Enter open" not in dim

    played(store, play)


def test_a_click_on_a_key_presses_it(store: Path) -> None:
    async def play(pilot: Pilot[None]) -> None:
        await pilot.click(KeyLine, offset=(2, 0))
        await settled(pilot)

    assert played(store, play) == played(store, keys("enter"))


def test_on_a_narrow_line_no_key_is_cut_and_quit_is_last(store: Path) -> None:
    async def play(pilot: Pilot[None]) -> None:
        for pane in "1234":
            await pilot.press(pane)
            await settled(pilot)
            line = shown(text_of(pilot.app))
            assert line.endswith(" F1 help ^P palette q quit")
            assert len(line) <= 60

    played(store, play, (60, 18))
