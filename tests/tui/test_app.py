"""The screen, by its keys and by what stands on it."""

import asyncio
import os
import sqlite3
from pathlib import Path

import pytest

from dlec_tui.app import Workbench
from tests.tui.conftest import fill, keys, played

SCREENS = Path(__file__).parent / "screens"


@pytest.mark.parametrize("size", [(80, 24), (140, 40)], ids=["80x24", "140x40"])
def test_the_whole_screen_is_as_it_was_agreed(store: Path, monkeypatch, size: tuple[int, int]) -> None:
    """Write the files anew with WRITE_SCREENS=1, and look at them."""
    monkeypatch.setattr("dlec_tui.app.shown", lambda _: "~/dlec.sqlite")
    golden = SCREENS / f"{size[0]}x{size[1]}.txt"
    screen = played(store, keys(), size)
    if os.environ.get("WRITE_SCREENS"):
        golden.write_text(screen)
    assert screen == golden.read_text()


def test_an_empty_store_says_what_to_type_first(tmp_path: Path) -> None:
    screen = played(tmp_path / "nothing.sqlite", keys())
    assert "dlec demo" in screen
    assert "dlec profile MODEL" in screen
    assert not (tmp_path / "nothing.sqlite").exists()


@pytest.mark.parametrize("key", ["j", "down"])
def test_going_down_shows_the_next_model(store: Path, key: str) -> None:
    assert "dlec profile org/Unprofiled-8B" in played(store, keys(key))
    assert "dlec profile org/Unprofiled-8B" not in played(store, keys(key, "k"))


def test_c_draws_the_next_curves(store: Path) -> None:
    assert "second pass" not in played(store, keys())
    assert "second pass" in played(store, keys("c"))
    assert played(store, keys("c", "c", "c")) == played(store, keys())


def test_tab_and_enter_open_a_plan_and_q_goes_back(store: Path) -> None:
    assert "merge_method: passthrough" in played(store, keys("tab", "enter"))
    assert played(store, keys("tab", "enter", "q")) == played(store, keys("tab"))


@pytest.mark.parametrize("key", ["question_mark", "f1"])
def test_help_tells_the_keys(store: Path, key: str) -> None:
    assert "the next two curves" in played(store, keys(key))
    assert "the next two curves" not in played(store, keys(key, "q"))


def test_q_leaves() -> None:
    async def leave() -> int | None:
        app = Workbench(Path("nowhere.sqlite"))
        async with app.run_test() as pilot:
            await pilot.press("q")
        return app.return_code

    assert asyncio.run(leave()) == 0


def test_r_reads_the_store_again(tmp_path: Path) -> None:
    path = tmp_path / "dlec.sqlite"

    async def measure(pilot) -> None:
        fill(path)
        await pilot.press("r")

    assert "Tiny-135M" in played(path, measure)


@pytest.mark.parametrize("keystroke", ["c", "tab", "enter", "j", "r", "question_mark"])
def test_no_key_harms_an_empty_screen(tmp_path: Path, keystroke: str) -> None:
    played(tmp_path / "nothing.sqlite", keys(keystroke))


def test_a_store_that_cannot_be_read_is_said_on_the_screen(tmp_path: Path) -> None:
    (tmp_path / "dlec.sqlite").write_bytes(b"not a database, certainly not" * 100)
    assert "is damaged" in played(tmp_path / "dlec.sqlite", keys())


def test_a_store_of_a_newer_version_is_said_on_the_screen(tmp_path: Path) -> None:
    fill(tmp_path / "dlec.sqlite")
    with sqlite3.connect(tmp_path / "dlec.sqlite") as connection:
        connection.execute("UPDATE _sqlite_migrations SET name = '9999_tomorrow'")
    assert "newer version" in played(tmp_path / "dlec.sqlite", keys())


@pytest.mark.parametrize("size", [(20, 5), (40, 10), (300, 80)])
def test_any_size_of_terminal_is_survived(store: Path, size: tuple[int, int]) -> None:
    assert played(store, keys("c", "tab"), size)


def test_nothing_from_the_store_steers_the_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.tui.conftest.PLAN", "# \x1b[31m[b]red\x1b]0;title\x07\nmerge_method: passthrough\n")
    fill(tmp_path / "dlec.sqlite")
    for screen in (played(tmp_path / "dlec.sqlite", keys()), played(tmp_path / "dlec.sqlite", keys("tab", "enter"))):
        assert "\x1b" not in screen
        assert "[b]red" in screen
