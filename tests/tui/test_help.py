"""F1: the keys that matter here."""

from pathlib import Path

import pytest
from textual.pilot import Pilot

from dlec_tui.panes.models import ModelsPane
from dlec_tui.widgets.help import Help
from tests.tui.conftest import keys, played

HIGH = (100, 70)


@pytest.mark.parametrize("key", ["f1", "question_mark"])
def test_help_tells_what_the_pane_is_for_and_its_keys(store: Path, key: str) -> None:
    screen = played(store, keys(key), HIGH)
    assert ModelsPane.ABOUT.split(".")[0] in screen
    assert "open this model" in screen
    assert "Ctrl+P or :" in screen


def test_every_usual_key_closes_it(store: Path) -> None:
    async def open_and_close(pilot: Pilot[str]) -> None:
        for key in ("q", "escape", "f1", "question_mark"):
            await pilot.press("f1")
            assert isinstance(pilot.app.screen, Help)
            await pilot.press(key)
            assert not isinstance(pilot.app.screen, Help)

    played(store, open_and_close)


def test_what_cannot_be_done_now_is_told_with_the_reason(store: Path) -> None:
    assert "unavailable: started with" in played(store, keys("f1", "slash", *"profile"), HIGH, read_only=True)


def test_it_can_be_searched(store: Path) -> None:
    screen = played(store, keys("f1", "slash", *"show"), HIGH)
    assert "show models" in screen
    assert "Ctrl+P or :" not in screen
    assert "no match for xyz" in played(store, keys("f1", "slash", *"xyz"), HIGH)
