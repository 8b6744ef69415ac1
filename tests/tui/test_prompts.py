"""Every prompt and form of the screen, with what nobody should type: it says what is wrong, and the screen lives on."""

import asyncio
import os
import threading
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input, Static

from dlec_tui.actions.registry import ACTIONS, Action
from dlec_tui.app import Workbench
from dlec_tui.main_screen import MainScreen
from dlec_tui.widgets.help import Help
from dlec_tui.widgets.palette import Palette
from dlec_tui.widgets.prompts import PathPrompt
from tests.tui.conftest import eventually, settled, text_of
from tests.tui.plan_pane import plan_in

PATHS = (
    "plan.open",
    "plan.compare",
    "plan.save_as",
    "plan.merge",
    "models.add_path",
    "runs.add_plans",
    "runs.choose_output",
)


@pytest.fixture
def nasty(tmp_path: Path) -> dict[str, str]:
    """What is typed, by what it is."""
    os.mkfifo(tmp_path / "fifo.yaml")
    return {
        "nobody's home": "~nobody-has-this-name/x",
        "a NUL": "a\0b",
        "too long": "x" * 5000,
        "a directory": str(tmp_path),
        "a FIFO": str(tmp_path / "fifo.yaml"),
        "below a file": "/etc/passwd/x",
        "a surrogate": "\udcff",
    }


LINES = ("\x1b[31m\x07\n\x9b2J[bold]x[/nope]", "9" * 30)
"""What is tried where no path is asked for."""


WITHOUT_PROMPT = (
    *("edit_outside", "duplicate", "delete", "move_up", "move_down", "start_down", "start_up", "end_down", "end_up"),
    *("zero", "undo", "redo", "preview", "switch_view", "next_problem", "fix", "sort", "reverse"),
)
"""Actions that only edit or order something."""


async def worked(pilot: Pilot[None]) -> None:
    """Wait for messages and threads, not for the picture."""
    await pilot.pause()
    await eventually(pilot, lambda: all(worker.is_finished for worker in pilot.app.workers))
    await pilot.pause()


async def closed(pilot: Pilot[None]) -> None:
    """Whatever is asked behind the prompt is answered with no."""
    while not isinstance(pilot.app.screen, MainScreen):
        await pilot.press("escape")
        await worked(pilot)


async def opened(pilot: Pilot[None], action: Action) -> Screen[object] | None:
    """What asks for a line; None where the action does not."""
    app = pilot.app
    assert isinstance(app, Workbench)
    await app.perform(action)
    await worked(pilot)
    if app.screen.query(Input) and not isinstance(app.screen, Palette | Help | MainScreen):
        return app.screen
    await closed(pilot)
    return None


def test_whatever_is_typed_into_a_prompt_the_screen_lives_on(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nasty: dict[str, str]
) -> None:
    """Every action that opens a prompt or form is tried with every line."""
    monkeypatch.chdir(tmp_path)
    plan, asked = plan_in(tmp_path), set[str]()

    async def run() -> None:
        app = Workbench(store)
        async with app.run_test(size=(100, 30)) as pilot:
            app.reference = "/models/Tiny-135M"
            await pilot.press("2", "3")
            app.front.open_file(plan)  # type: ignore[attr-defined]
            await worked(pilot)
            pane = app.front
            edited = pane.document  # type: ignore[attr-defined]
            for action in ACTIONS:
                if action.area == "app" or action.name in WITHOUT_PROMPT:
                    continue
                pane.change(edited)  # type: ignore[attr-defined]
                screen = await opened(pilot, action)
                for line in nasty.values() if isinstance(screen, PathPrompt) else LINES if screen else ():
                    asked.add(action.id)
                    if screen is None or app.screen is not screen:
                        await closed(pilot)
                        screen = await opened(pilot, action)
                    for field in screen.query(Input) if screen else ():
                        field.value = line
                    await pilot.press("enter")
                    await worked(pilot)
                    assert app.is_running
                await closed(pilot)

    asyncio.run(run())
    assert {*PATHS, "plan.generate", "runs.filter", "models.filter", "plan.scale"} <= asked, asked


def test_a_home_of_an_unknown_user_is_reported_in_the_prompt_which_keeps_the_line(store: Path, tmp_path: Path) -> None:
    async def run() -> None:
        app = Workbench(store)
        async with app.run_test(size=(100, 30)) as pilot:
            await pilot.press("3")
            app.front.open_file(plan_in(tmp_path))  # type: ignore[attr-defined]
            await settled(pilot)
            for action in (action for action in ACTIONS if action.id in PATHS):
                assert await opened(pilot, action)
                app.screen.query_one(Input).value = "~nobody-has-this-name/x"
                await pilot.press("enter")
                await worked(pilot)
                assert isinstance(app.screen, PathPrompt), action.id
                assert app.screen.query_one(Input).value == "~nobody-has-this-name/x"
                assert "there is no user nobody-has-this-name" in str(app.screen.query_one("#wrong", Static).content)
                await closed(pilot)

    asyncio.run(run())


def test_a_disk_that_hangs_is_said_and_esc_leaves(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The prompt does not wait for it."""

    hung = threading.Event()
    monkeypatch.setattr("dlec_tui.panes.models.require_addable", lambda _path: hung.wait(20))

    async def run() -> None:
        app = Workbench(store)
        async with app.run_test(size=(100, 30)) as pilot:
            await settled(pilot)
            await pilot.press("a", "/", "enter")
            await eventually(pilot, lambda: "the disk does not respond" in text_of(app))
            await pilot.press("escape")
            await eventually(pilot, lambda: isinstance(app.screen, MainScreen))
            hung.set()
            await settled(pilot)
            assert isinstance(app.screen, MainScreen)

    asyncio.run(run())
