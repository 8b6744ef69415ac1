"""Keys that arrive together act where the user sees them act; nothing acts behind what lies over the panes."""

import asyncio
from pathlib import Path

import pytest
from textual.events import Key
from textual.pilot import Pilot
from textual.widgets import Input

from dlec_tui.actions.registry import ACTIONS, actions_of
from dlec_tui.app import Workbench
from dlec_tui.main_screen import PANES, MainScreen
from dlec_tui.panes.plan import PlanPane
from dlec_tui.widgets.help import Help
from dlec_tui.widgets.palette import Palette
from dlec_tui.widgets.plan_editor import PlanEditor
from dlec_tui.widgets.prompts import LinePrompt
from tests.tui.conftest import eventually, settled, text_of
from tests.tui.plan_pane import plan_in

NUMBERS = dict(zip(PANES, "1234", strict=True))
NAMES = {"/": "slash", "\r": "enter", "\x1b": "escape", "\x10": "ctrl+p", ":": "colon", "?": "question_mark"}


async def burst(pilot: Pilot[None], *keys: str) -> None:
    """All at once, as a slow line delivers them; each a name or what is typed, letter by letter."""
    for text in keys:
        for key in [text] if text in NAMES.values() or text.startswith("f1") else text:
            character = key if len(key) == 1 else None
            pilot.app.post_message(Key(NAMES.get(key, key), character))
    await pilot.pause()
    await eventually(pilot, lambda: all(worker.is_finished for worker in pilot.app.workers))
    await pilot.pause()


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    return plan_in(tmp_path)


async def open_plan(pilot: Pilot[None], plan: Path) -> PlanPane:
    assert isinstance(pilot.app, Workbench)
    await pilot.press("3")
    pane = pilot.app.front
    assert isinstance(pane, PlanPane)
    pane.open_file(plan)
    await settled(pilot)
    return pane


def test_a_key_behind_a_change_of_pane_is_the_new_panes(store: Path, plan: Path, monkeypatch) -> None:
    """For each pane and each other: the actions that run belong to the pane that is seen then."""
    ran: list[tuple[str, str]] = []

    async def run() -> None:
        app = Workbench(store)
        async with app.run_test(size=(100, 30)) as pilot:
            await open_plan(pilot, plan)
            await pilot.press("1", "2", "4")
            for area in PANES:
                for action in actions_of(area):
                    pane = app._main.find(area)
                    monkeypatch.setattr(
                        pane, f"action_{action.name}", lambda a=area, n=action.name: ran.append((a, n)), raising=False
                    )
            monkeypatch.setattr(Workbench, "reason_against", lambda *_: "")
            for before in PANES:
                for after in PANES:
                    letters = [k for a in actions_of(after) for k in a.keys.split(",") if len(k) == 1 and k.isalpha()]
                    await pilot.press(NUMBERS[before])
                    ran.clear()
                    await burst(pilot, NUMBERS[after], *letters)
                    assert after == app.front.AREA
                    assert ran, (before, after)
                    assert {area for area, _ in ran} == {after}, (before, after)

    asyncio.run(run())


def test_what_is_typed_ahead_into_a_prompt_arrives_in_it(store: Path, plan: Path) -> None:
    """One start for all: filters, palette, help, a number, a path with what follows it."""

    async def run() -> None:
        app = Workbench(store)
        async with app.run_test(size=(100, 30)) as pilot:
            await open_plan(pilot, plan)
            await burst(pilot, "4", "/async")
            assert isinstance(app.screen, LinePrompt)
            assert app.screen.query_one(Input).value == "async"
            await burst(pilot, "escape", "ctrl+p", "hist")
            assert isinstance(app.screen, Palette)
            assert app.screen.query_one(Input).value == "hist"
            await burst(pilot, "escape", "1/qqq", "enter", "/")
            assert app.screen.query_one(Input).value == "qqq"
            await burst(pilot, "escape", "?/", "slice")
            assert isinstance(app.screen, Help)
            await burst(pilot, "escape", "escape", "3")
            while not isinstance(app.screen, MainScreen):
                await burst(pilot, "escape")
            pane = await app.show_pane("plan")
            assert isinstance(pane, PlanPane)
            await burst(pilot, "r2", "enter")  # the usual 1, and the 2 behind it
            await settled(pilot)
            assert len(pane.session.slices.views) == 2 + 12
            await burst(pilot, "ux")
            assert len(pane.session.slices.views) == 1

    asyncio.run(run())


def test_a_plan_that_is_opened_and_edited_in_one_burst_is_the_one_that_is_edited(store: Path, plan: Path) -> None:
    other = plan.with_name("other.yaml")
    other.write_text(plan.read_text().replace("[0, 4]", "[0, 3]"))

    async def run() -> None:
        app = Workbench(store)
        async with app.run_test(size=(100, 30)) as pilot:
            pane = await open_plan(pilot, plan)
            await burst(pilot, "oother.yaml", "enter", "d")
            assert pane.document.path == other
            assert [view.end for view in pane.session.slices.views] == [3, 3, 6]

    asyncio.run(run())


def test_nothing_acts_while_the_screen_says_that_it_is_too_small(store: Path, plan: Path) -> None:
    """In every pane, with every key but those that leave."""

    async def run() -> None:
        app = Workbench(store)
        async with app.run_test(size=(100, 30)) as pilot:
            pane = await open_plan(pilot, plan)
            for area in PANES:
                await app.show_pane(area)
                await pilot.resize_terminal(40, 10)
                await eventually(pilot, lambda: "dlec needs" in text_of(app))
                before = pane.document, app.screen, app.front, app.reference
                for action in ACTIONS:
                    if action.name != "quit":
                        await pilot.press(*action.keys.split(","))
                await settled(pilot)
                assert (pane.document, app.screen, app.front, app.reference) == before
                await pilot.resize_terminal(100, 30)
                await settled(pilot)
            await pilot.resize_terminal(40, 10)
            await eventually(pilot, lambda: "dlec needs" in text_of(app))
            await pilot.press("q")
            assert not app.is_running

    asyncio.run(run())


def test_nothing_acts_behind_a_dialog(store: Path, plan: Path) -> None:
    """Whatever is pressed in a dialog over each pane, no action of pane or app runs."""
    ran: list[str] = []

    async def run() -> None:
        app = Workbench(store)
        async with app.run_test(size=(100, 30)) as pilot:
            await open_plan(pilot, plan)
            for area in PANES:
                for opens in ("ctrl+p", "question_mark", "ctrl+o"):
                    await app.show_pane(area)
                    await burst(pilot, opens) if opens == "ctrl+p" else await pilot.press(opens)
                    assert not isinstance(app.screen, MainScreen)
                    chain = [node for node, _ in app.screen._modal_binding_chain]
                    ran.extend(
                        [str(node) for node in chain if node is not app.screen and app.screen not in node.ancestors]
                    )
                    ran.extend(
                        [
                            key
                            for node, bindings in app.screen._binding_chain
                            for key, each in bindings.key_to_bindings.items()
                            if node is not app.screen
                            and app.screen not in node.ancestors
                            and any(b.priority for b in each)
                        ]
                    )
                    await pilot.press("escape", "escape")
                    if not isinstance(app.screen, MainScreen):
                        await pilot.press("escape")

    asyncio.run(run())
    assert not ran


def test_f6_leaves_the_text_of_an_empty_plan(store: Path) -> None:
    async def run() -> None:
        app = Workbench(store)
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press("3")
            await settled(pilot)
            seen = []
            for _ in range(4):
                await pilot.press("f6")
                seen.append(app.screen.focused.id if app.screen.focused else None)
            assert seen == ["plan-text", "plan-slices"] * 2

    asyncio.run(run())


def test_f6_reaches_every_part_of_every_pane_from_everywhere(store: Path, plan: Path) -> None:
    """And leaves the text of a plan, which stays as it is."""

    async def run(size: tuple[int, int]) -> None:
        app = Workbench(store)
        async with app.run_test(size=size) as pilot:
            pane = await open_plan(pilot, plan)
            await pilot.press("f6", "f6")
            text = pane.document.text
            await pilot.press("f6", "f6", "f6")
            assert pane.document.text == text
            seen = set()
            for _ in range(8):
                await pilot.press("f6")
                assert app.screen.focused
                seen.add(app.screen.focused.id)
            assert {"plan-slices", "plan-text"} <= seen
            app._main.set_focus(pane.query_one(PlanEditor))
            await pilot.press("f6")
            assert not isinstance(app.screen.focused, PlanEditor)
            await pilot.press("4")
            seen = set()
            for _ in range(6):
                await pilot.press("f6")
                seen.add(app.screen.focused.id if app.screen.focused else None)
            assert {"job-table", "batch-list"} <= seen

    asyncio.run(run((80, 24)))
