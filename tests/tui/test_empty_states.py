"""What stands where there is nothing to show is true: hidden by a filter, unreadable, or not there."""

import asyncio
from pathlib import Path

import pytest
from textual.widgets import Input

from dlec_tui.app import Workbench
from tests.tui.conftest import eventually, settled, text_of


def test_a_damaged_store_is_said_in_every_pane_that_shows_what_it_holds(tmp_path: Path) -> None:
    store = tmp_path / "dlec.sqlite"
    store.write_bytes(b"not a database, certainly not" * 100)

    async def run() -> None:
        app = Workbench(store)
        async with app.run_test(size=(160, 40)) as pilot:
            await settled(pilot)
            app.reference = "/models/Tiny-135M"
            for key, never in (("1", "dlec demo"), ("2", "reading the store"), ("4", "No jobs.")):
                await pilot.press(key)
                await settled(pilot)
                panes = "\n".join(text_of(app).splitlines()[1:-2])  # without the line of jobs
                assert "damaged" in panes, key
                assert never not in panes

    asyncio.run(run())


def test_models_that_a_filter_hides_are_counted(store: Path) -> None:
    async def run() -> None:
        app = Workbench(store)
        async with app.run_test(size=(100, 30)) as pilot:
            await settled(pilot)
            await pilot.press("slash")
            app.screen.query_one(Input).value = "qqq"
            await pilot.press("enter")
            await settled(pilot)
            said = text_of(app)
            assert "None of 2 models matches 'qqq'" in said
            assert "/ Ctrl+U Enter: show all" in said
            assert "dlec demo" not in said
            await pilot.press("slash", "ctrl+u", "enter")
            await settled(pilot)
            assert "Tiny-135M" in text_of(app)

    asyncio.run(run())


@pytest.mark.usefixtures("foreign_exceptions")
def test_measurements_that_nobody_can_read_are_not_being_read_for_ever(store: Path, monkeypatch) -> None:
    monkeypatch.setattr("dlec_tui.widgets.measurement_reader.read_measured", lambda *_: 1 / 0)

    async def run() -> None:
        app = Workbench(store)
        async with app.run_test(size=(100, 30)) as pilot:
            app.reference = "/models/Tiny-135M"
            await pilot.press("2")
            await eventually(pilot, lambda: "unexpected ZeroDivisionError" in text_of(app))
            assert "reading the store" not in text_of(app)

    asyncio.run(run())
