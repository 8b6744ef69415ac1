"""The screen around the panes: showing them, leaving, its size, and what it takes from them."""

import asyncio
from contextlib import closing
from pathlib import Path

import pytest
from textual.pilot import Pilot

from dlec_tui.actions.registry import EVERYWHERE
from dlec_tui.app import Workbench
from dlec_tui.main_screen import PANES
from dlec_tui.messages import ModelChosen, PlanEdited
from dlec_tui.plans.document import PlanDocument
from dlec_tui.widgets.dialogs import Question
from dlec_tui.widgets.frame import TopLine
from engine.store.database import open_for_reading
from engine.store.job_states import Running, Stop
from engine.store.jobs import JobSpec, find_job
from tests.tui.conftest import Play, eventually, keys, played, settled, submitted_job, text_of


def left_with(store: Path, play: Play) -> str | None:
    """What is printed after `play` has left the screen."""

    async def run() -> str | None:
        app = Workbench(store)
        async with app.run_test(size=(80, 24), notifications=True) as pilot:
            await settled(pilot)
            await play(pilot)
            await eventually(pilot, lambda: app.return_value is not None)
        return app.return_value

    return asyncio.run(run())


def test_numbers_and_function_keys_bring_panes_to_the_front(store: Path) -> None:
    async def look() -> None:
        app = Workbench(store)
        async with app.run_test() as pilot:
            await pilot.press("4")
            assert {pane.AREA for pane in app.panes} == {"models", "runs"}  # no other one was made
            for pressed in ("1234", ("f2", "f3", "f4", "f5")):
                for key, area in zip(pressed, PANES, strict=True):
                    await pilot.press(key)
                    assert area == app.front.AREA

    asyncio.run(look())


def test_a_click_on_a_name_in_the_top_line_goes_to_that_pane(store: Path) -> None:
    async def click(pilot: Pilot[str]) -> None:
        for x, area in ((28, "plan"), (36, "runs"), (3, "models")):
            await pilot.click(TopLine, offset=(x, 0))
            await settled(pilot)
            assert area == pilot.app.front.AREA  # type: ignore[attr-defined]

    played(store, click)


def test_a_key_of_another_pane_does_nothing(store: Path) -> None:
    """Only the pane in front listens."""
    assert played(store, keys("m")) == played(store, keys())


def test_what_cannot_be_done_is_answered_with_the_reason(store: Path) -> None:
    assert "started with --read-only" in played(store, keys("p"), read_only=True)


def test_the_top_line_tells_model_and_plan_and_whether_it_is_saved(store: Path) -> None:
    document = PlanDocument().edited("a: 1\n", "typing").saved_as(Path("/x/bigger.yaml"))

    async def work(pilot: Pilot[str]) -> None:
        pilot.app.post_message(ModelChosen("/models/Tiny-135M"))
        pilot.app.post_message(PlanEdited(document))
        await settled(pilot)
        assert "Tiny-135M  bigger.yaml\n" in text_of(pilot.app)
        pilot.app.post_message(PlanEdited(document.edited("b: 1\n", "typing"), "slice 3 stands alone now"))

    screen = played(store, work)
    assert "Tiny-135M  bigger.yaml*" in screen.splitlines()[0]
    assert "slice 3 stands alone now" in screen


@pytest.mark.parametrize("size", [(50, 24), (80, 15)])
def test_too_small_a_terminal_is_told_so_and_still_shows_the_jobs(store: Path, size: tuple[int, int]) -> None:
    screen = played(store, keys(), size)
    assert f"{size[0]}x{size[1]}" in screen
    assert "60x18" in screen
    assert "no jobs" in screen


def test_a_terminal_that_grows_under_a_dialog_is_used(store: Path) -> None:
    async def grow(pilot: Pilot[str]) -> None:
        await pilot.press("f1")
        await pilot.resize_terminal(80, 24)
        await settled(pilot)
        await pilot.press("escape")
        await settled(pilot)
        await pilot.press("r")

    assert played(store, grow, (50, 15)) == played(store, keys("r"))


def test_jump_puts_letters_on_what_can_have_the_focus(store: Path) -> None:
    async def jump(pilot: Pilot[str]) -> None:
        await pilot.press("ctrl+o")
        await settled(pilot)
        assert " a" in text_of(pilot.app)
        await pilot.press("a")

    assert played(store, jump) == played(store, keys())
    assert played(store, keys("ctrl+o", "escape")) == played(store, keys())


def test_zoom_gives_the_pane_to_one_part_and_back(store: Path) -> None:
    assert "hidden size" in played(store, keys())
    assert "hidden size" not in played(store, keys("z"))
    assert played(store, keys("z", "f10")) == played(store, keys())


def test_a_question_has_its_focus_on_no(store: Path) -> None:
    answers: list[bool | None] = []

    async def ask(pilot: Pilot[str]) -> None:
        for pressed in (["enter"], ["escape"], ["n"], ["y"], ["left", "enter"]):
            pilot.app.push_screen(Question("Delete [b]everything[/b]?", yes="delete"), answers.append)
            await settled(pilot)
            assert "Delete [b]everything[/b]?" in text_of(pilot.app)
            await pilot.press(*pressed)

    played(store, ask)
    assert answers == [False, False, False, True, True]


@pytest.mark.parametrize("key", ["q", "ctrl+q", "ctrl+c"])
def test_without_running_jobs_it_is_left_at_once(store: Path, key: str) -> None:
    assert left_with(store, keys(key)) == ""


@pytest.mark.parametrize("pressed", [("q", "enter"), ("ctrl+c", "ctrl+c")])
def test_a_running_job_keeps_running(store: Path, pressed: tuple[str, ...]) -> None:
    submitted_job(store)
    assert left_with(store, keys(*pressed)) == ""
    assert state_of_job(store) == (Running, None)


def test_on_leaving_a_running_job_one_can_be_told_how_to_watch_it(store: Path) -> None:
    submitted_job(store)
    assert left_with(store, keys("q", "w")) == f"dlec jobs logs -f 1 --home {store.parent}"


def test_on_leaving_a_running_job_can_be_cancelled_after_a_question(store: Path) -> None:
    submitted_job(store)
    assert "No" not in (left_with(store, keys("q", "c", "y")) or "")
    assert state_of_job(store) == (Running, Stop.DISCARD)


def test_esc_stays_and_so_does_no(store: Path) -> None:
    async def stay(pilot: Pilot[str]) -> None:
        await pilot.press("q")
        await settled(pilot)
        assert "Esc     stay" in text_of(pilot.app)
        await pilot.press("escape", "q", "c", "enter")

    submitted_job(store)
    assert "Esc     stay" not in played(store, stay)
    assert state_of_job(store) == (Running, None)


def state_of_job(store: Path) -> tuple[type, Stop | None]:
    with closing(open_for_reading(store)) as connection:
        found = find_job(connection, 1)
        assert found
        assert isinstance(found.state, Running)
        return type(found.state), found.state.stop


def test_submitted_jobs_are_queued_and_told(store: Path) -> None:
    async def submit(pilot: Pilot[str]) -> None:
        pilot.app.submit([JobSpec("profile", {"model": "m"}, "profile \x1b[31mm", {})])

    screen = played(store, submit)
    assert "job 1: profile" in screen
    assert "\x1b" not in screen


def test_a_store_that_cannot_be_read_is_said_on_the_screen(tmp_path: Path) -> None:
    (tmp_path / "dlec.sqlite").write_bytes(b"not a database, certainly not" * 100)
    assert "is damaged" in played(tmp_path / "dlec.sqlite", keys())


def test_no_key_of_the_app_harms_an_empty_home(tmp_path: Path) -> None:
    pressed = [key for action in EVERYWHERE for key in action.keys.split(",") if action.name != "quit"]
    assert played(tmp_path / "nothing.sqlite", keys(*(each for key in pressed for each in (key, "escape"))))
