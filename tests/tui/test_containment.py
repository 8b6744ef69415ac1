"""What nobody expected to fail costs what failed, never the screen."""

import ast
import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import pytest
from textual.app import ComposeResult
from textual.message import Message
from textual.pilot import Pilot
from textual.reactive import reactive
from textual.screen import ModalScreen
from textual.widgets import Static
from textual.worker import Worker

from dlec_tui.app import Workbench
from dlec_tui.terminal.redirect_stderr import SCREEN_LOG
from tests.tui.conftest import eventually, settled, text_of

SOURCES = sorted((Path(__file__).parents[2] / "dlec_tui").rglob("*.py"))
SAID = "unexpected ForeignError"


class ForeignError(Exception):
    """Nobody expects it."""


def calls(name: str) -> Iterator[tuple[Path, ast.Call]]:
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and name in (getattr(node.func, "attr", ""), getattr(node.func, "id", "")):
                yield path, node


def test_no_worker_of_the_screen_keeps_its_exception_to_itself() -> None:
    found = [*calls("run_worker"), *calls("work")]
    assert len(found) > 20
    silent = [
        f"{path.name}:{call.lineno}" for path, call in found if "exit_on_error" in {key.arg for key in call.keywords}
    ]
    assert not silent


@pytest.mark.usefixtures("foreign_exceptions")
def test_every_worker_of_a_session_may_fail(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is begun by keys in all panes; each raises; the keys go on working, and the log has the traceback."""
    groups = set[str]()

    async def fail(worker: Worker) -> None:
        groups.add(worker.group)
        if worker.group == "report":
            return worker._work()
        raise ForeignError(worker.group)

    async def run() -> str:
        app = Workbench(store)
        async with app.run_test(size=(100, 30), notifications=True) as pilot:
            await settled(pilot)
            app.reference = "/models/Tiny-135M"
            monkeypatch.setattr(Worker, "run", fail)
            await pilot.press(*"1ry2vvvv3N", "escape", *"4lwy1")
            await settled(pilot)
            assert app.front.AREA == "models"
            assert {"models", "measured", "check", "queue", "copy"} <= groups, groups
            return text_of(app)

    screen = asyncio.run(run())
    assert SAID in screen
    log = (store.parent / "logs" / SCREEN_LOG).read_text()
    assert all(f"ForeignError: {group}" in log for group in groups - {"report"})
    assert log.count("ForeignError: models") == 1, "the same is written once"


class Failing(Static):
    """Fails in every way that a widget can."""

    state = reactive(0, init=False)

    class Sent(Message):
        pass

    def on_failing_sent(self) -> None:
        raise ForeignError

    def watch_state(self) -> None:
        raise ForeignError

    def fail(self) -> None:
        raise ForeignError

    async def fail_later(self) -> None:
        raise ForeignError


class Drawn(Static):
    def render(self) -> str:
        raise ForeignError


class Composed(Static):
    def compose(self) -> ComposeResult:
        raise ForeignError


class Mounted(Static):
    def on_mount(self) -> None:
        raise ForeignError


class Asked(ModalScreen[int]):
    pass


async def by_action(pilot: Pilot[None], _widget: Failing) -> None:
    pilot.app.action_fail = _widget.fail  # type: ignore[attr-defined]
    pilot.app.bind("ctrl+t", "fail")
    await pilot.press("ctrl+t")


async def by_answer(pilot: Pilot[None], widget: Failing) -> None:
    asked = Asked()
    await pilot.app.push_screen(asked, lambda _: widget.fail())
    asked.dismiss(1)


async def by_thread(pilot: Pilot[None], widget: Failing) -> None:
    thread = Thread(target=lambda: pilot.app.call_from_thread(widget.call_later, widget.fail))
    thread.start()
    await eventually(pilot, lambda: not thread.is_alive())


WAYS: dict[str, Callable[[Pilot[None], Failing], object]] = {
    "handler": lambda _pilot, widget: widget.post_message(Failing.Sent()),
    "watcher": lambda _pilot, widget: widget.call_later(setattr, widget, "state", 1),
    "timer": lambda _pilot, widget: widget.set_timer(0.001, widget.fail),
    "callback": lambda _pilot, widget: widget.call_later(widget.fail),
    "next callback": lambda _pilot, widget: widget.call_next(widget.fail),
    "after a refresh": lambda _pilot, widget: widget.call_after_refresh(widget.fail),
    "worker": lambda _pilot, widget: widget.run_worker(widget.fail, thread=True),
    "async worker": lambda _pilot, widget: widget.run_worker(widget.fail_later()),
    "loop": lambda _pilot, widget: asyncio.get_running_loop().call_soon(widget.fail),
    "render": lambda pilot, _widget: pilot.app.screen.mount(Drawn()),
    "compose": lambda pilot, _widget: pilot.app.screen.mount(Composed()),
    "mount": lambda pilot, _widget: pilot.app.screen.mount(Mounted()),
    "action": by_action,
    "answer of a dialog": by_answer,
    "thread": by_thread,
}


def test_every_kind_of_callback_may_fail(store: Path, foreign_exceptions: list[BaseException]) -> None:
    """After each of them the widget that failed goes on, and so do keys."""

    async def run() -> None:
        app = Workbench(store)
        async with app.run_test(size=(100, 30), notifications=True) as pilot:
            await settled(pilot)
            for way, fails in WAYS.items():
                foreign_exceptions.clear()
                widget = Failing()
                await app.screen.mount(widget)
                done = fails(pilot, widget)
                if asyncio.iscoroutine(done):
                    await done
                await eventually(pilot, lambda: foreign_exceptions)
                assert isinstance(foreign_exceptions[0], ForeignError), way
                lives = asyncio.Event()
                widget.call_later(lives.set)
                await eventually(pilot, lives.is_set)
                await pilot.press("4" if app.front.AREA == "models" else "1")
                assert app.front.AREA in ("runs", "models"), way
            assert app.is_running

    asyncio.run(run())


def test_what_a_pane_remembers_may_be_of_any_kind(store: Path, monkeypatch, foreign_exceptions) -> None:
    """The pane is as new then."""
    monkeypatch.setattr("dlec_tui.panes.models.ModelsPane.recall", lambda _pane, remembered: remembered["no"])

    async def run() -> str:
        app = Workbench(store)
        async with app.run_test(size=(100, 30), notifications=True) as pilot:
            await settled(pilot)
            return text_of(app)

    assert "unexpected KeyError: 'no'" in asyncio.run(run())
    assert len(foreign_exceptions) == 1
