"""The event loop never touches the disk: a network share that hangs stops a thread, and not the keys."""

import asyncio
import os
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.events import Key
from textual.pilot import Pilot

from dlec_tui.app import Workbench
from dlec_tui.main_screen import MainScreen
from dlec_tui.panes.plan import PlanPane
from tests.tui.conftest import eventually, settled
from tests.tui.measured_store import REFERENCE
from tests.tui.plan_pane import plan_in

CALLS = ("stat", "lstat", "scandir", "listdir", "open", "statvfs", "readlink", "access", "mkdir")
ANSWER_SECONDS = 0.1
"""Within which a key has to be answered."""
LOADED = 10
"""Times as long on a machine that does other things: a hung disk takes for ever."""


class Disk:
    """Below one directory: knows who touches it, and can hang."""

    def __init__(self, root: Path) -> None:
        self.root = str(root)
        self.loop_thread = 0
        self.touched: list[str] = []
        """By the event loop, with the way there."""
        self.answers = threading.Event()
        self.answers.set()

    def touch(self, path: object) -> None:
        if not isinstance(path, str | os.PathLike) or not os.fspath(path).startswith(self.root):
            return
        if threading.get_ident() == self.loop_thread:
            self.touched.append("".join(traceback.format_stack(limit=12)))
        else:
            self.answers.wait(30)


DISKS: list[Disk] = []


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    if event in ("open", "sqlite3.connect") and arguments:
        for disk in DISKS:
            disk.touch(arguments[0])


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    made = Disk(tmp_path)
    if not getattr(sys, "_disks_are_watched", False):  # a hook stays for ever
        sys.addaudithook(_audit)
        sys._disks_are_watched = True  # type: ignore[attr-defined]
    for name in CALLS:
        call = getattr(os, name)

        def watched(path: object = ".", *rest: object, _call: object = call, **named: object) -> object:
            made.touch(path)
            return _call(path, *rest, **named)  # type: ignore[operator]

        monkeypatch.setattr(os, name, watched)
    DISKS.append(made)
    yield made
    made.answers.set()
    DISKS.remove(made)


async def all_panes(pilot: Pilot[None], plan: Path) -> None:
    """Every key of every pane that does not leave, with the prompts answered by Esc."""
    app = pilot.app
    assert isinstance(app, Workbench)
    await pilot.press("1")
    await pilot.press(*"jk", "G", "g", "r", *"a/", "escape", "slash", "escape", "d", "escape", "y", "Y")
    await pilot.press("2", *"cotv v v v".replace(" ", ""), *"jlhkSsL", "1", "enter", "slash", "escape", "space", "U")
    await pilot.press("3")
    pane = app.front
    assert isinstance(pane, PlanPane)
    pane.open_file(plan)
    await settled(pilot)
    await pilot.press(*"0d0s", "escape", *"txKJ[]-+", "r", "escape", *"uun", "f7", "v", "f6", "escape", "c", "escape")
    await pilot.press("S", "escape", "o", "escape", "N", "escape", "m", "escape", "w", "escape", *"yY")
    await pilot.press("4", *"jkxrhlcD", "escape", "slash", "escape", *"oa", "escape", "w", "escape", "f6", "f6", "b")
    for key in ("question_mark", "ctrl+p", "ctrl+o"):
        await pilot.press(key, "escape")
    while not isinstance(app.screen, MainScreen):
        await pilot.press("escape")


def test_no_key_makes_the_event_loop_touch_the_disk(store: Path, tmp_path: Path, disk: Disk) -> None:
    """Where the store, the models and the plans are; where the program is is another matter."""
    plan = plan_in(tmp_path)

    async def run() -> None:
        app = Workbench(store)
        async with app.run_test(size=(100, 30)) as pilot:
            await settled(pilot)
            app.reference = REFERENCE
            disk.loop_thread = threading.get_ident()
            await all_panes(pilot, plan)
            await settled(pilot)
            disk.loop_thread = 0

    asyncio.run(run())
    assert not disk.touched, disk.touched[0]


def test_keys_are_answered_while_the_disk_hangs(store: Path, tmp_path: Path, disk: Disk) -> None:
    """With threads that wait for it already."""
    plan = plan_in(tmp_path)

    async def run() -> None:
        app = Workbench(store)
        async with app.run_test(size=(100, 30)) as pilot:
            for number in "124":
                await pilot.press(number)
            await pilot.press("3")
            pane = app.front
            assert isinstance(pane, PlanPane)
            pane.open_file(plan)
            await settled(pilot)
            disk.loop_thread = threading.get_ident()
            disk.answers.clear()
            pane.look_at_file()
            await asyncio.sleep(0.5)  # timers have begun to look
            for key, area in (("1", "models"), ("2", "activations"), ("4", "runs"), ("3", "plan")) * 2:
                asked = time.monotonic()
                app.post_message(Key(key, key))
                await eventually(pilot, lambda area=area: area == app.front.AREA)
                assert time.monotonic() - asked < LOADED * ANSWER_SECONDS
            await pilot.press("x", "q")
            disk.answers.set()
            disk.loop_thread = 0
            assert len(pane.session.slices.views) == 1

    asyncio.run(run())
    assert not disk.touched, disk.touched[0]
