"""A walk through every pane, dialog and state of a workbench that has something to show everywhere."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from textual.pilot import Pilot

from dlec_tui.app import Workbench
from dlec_tui.panes.plan import PlanPane
from dlec_tui.panes.runs import RunsPane
from dlec_tui.plans.document import PlanDocument
from dlec_tui.session.state import save_session
from dlec_tui.widgets.dialogs import Question, QuitDialog
from engine.store.database import open_for_writing
from engine.store.previews import PreviewResult, save_preview
from tests.tui.conftest import eventually, settled
from tests.tui.measured_store import HELDOUT
from tests.tui.pictures import MODEL, PLAN, evening, session_of_evening
from tests.tui.plan_pane import checked

WARNED = (
    PLAN.replace("[8, 31]", "[2, 4]")
    + f"""\
  - sources:
      - model: {MODEL}
        layer_range: [3, 4]
"""
)
"""A plan that can be run, with several warnings."""
BROKEN = PLAN.replace("slices:", "slices")
Step = Callable[[Pilot[str]], Awaitable[None]]
Look = Callable[[Pilot[str], str], Awaitable[None]]
"""At a state, which has a name."""


@contextmanager
def prepared() -> Iterator[Path]:
    """A store for the walk; and the directory that it wants to be in."""
    with evening() as store:
        sha256 = hashlib.sha256(WARNED.encode()).hexdigest()
        judged = PreviewResult(sha256, HELDOUT, 2.9117, 3.0035, 0.0918, 0.003, 0.0853, 0.0983, 0.13, 0.83, 4080, 16)
        with closing(open_for_writing(store)) as db:
            save_preview(db, judged)
            save_preview(db, replace(judged, delta_nll=0.2))
        save_session(store, session_of_evening())
        yield store


async def states(pilot: Pilot[str]) -> AsyncIterator[str]:
    """The name of each state, while it is on the screen."""
    for name, step in _STEPS.items():
        await step(pilot)
        await _quiet(pilot)
        yield name


def toured(store: Path, look: Look, size: tuple[int, int] = (100, 30), **settings: object) -> None:
    """Look at every state. settings: of the Workbench."""

    async def run() -> None:
        app = Workbench(store, **settings)  # type: ignore[arg-type]
        async with app.run_test(size=size, notifications=True) as pilot:
            await settled(pilot)
            async for name in states(pilot):
                await look(pilot, name)

    asyncio.run(run())


async def _quiet(pilot: Pilot[str]) -> None:
    """As `settled`, but without drawing the screen to see whether it stands still: there are many states."""
    await pilot.pause()
    await eventually(pilot, lambda: all(worker.is_finished for worker in pilot.app.workers))  # type: ignore[arg-type]
    await pilot.pause()


def _pressing(*keys: str) -> Step:
    async def step(pilot: Pilot[str]) -> None:
        while len(pilot.app.screen_stack) > 1:
            pilot.app.pop_screen()
        for key in keys:
            await pilot.press(key)
            await _quiet(pilot)

    return step


def _with_plan(text: str, part: str, *, compared: bool = False) -> Step:
    """part: the one that has the focus."""

    async def step(pilot: Pilot[str]) -> None:
        await _pressing("3")(pilot)
        pane = pilot.app.front  # type: ignore[attr-defined]
        assert isinstance(pane, PlanPane)
        if pane.document.text != text:
            pane.change(PlanDocument().opened(text, Path("grown.yaml")))
            await checked(pilot, pane)  # type: ignore[arg-type]
        pane.view.strip.compare("other.yaml", pane.session.slices.views if compared else ())
        pane.view.go_to(pane.query_one(part))

    return step


async def _with_results(pilot: Pilot[str]) -> None:
    await _with_plan(WARNED, "#plan-slices")(pilot)
    pane = pilot.app.query_one(PlanPane)
    await eventually(pilot, lambda: pane.view.findings.results.can_focus)  # type: ignore[arg-type]
    pane.view.go_to(pane.view.findings.results)


async def _at_batch(pilot: Pilot[str]) -> None:
    await _pressing("4")(pilot)
    pane = pilot.app.query_one(RunsPane)
    pane.view.batch_part.add([Path("grown.yaml").absolute()])
    pane.view.go_to(pane.view.batch_part.list)


async def _at_detail(pilot: Pilot[str]) -> None:
    await _pressing("4")(pilot)
    pane = pilot.app.query_one(RunsPane)
    pane.view.go_to(pane.view.detail.entrance)


async def _at_jobs(pilot: Pilot[str]) -> None:
    await _pressing("4")(pilot)
    pane = pilot.app.query_one(RunsPane)
    await eventually(pilot, lambda: pane.view.table.items)  # type: ignore[arg-type]
    pane.view.go_to(pane.view.table)


async def _asked(pilot: Pilot[str]) -> None:
    await _pressing()(pilot)
    pilot.app.push_screen(Question("Write 304 MB into night/six?\n77.6 GB free.", yes="merge"))


async def _asked_on_leaving(pilot: Pilot[str]) -> None:
    await _pressing()(pilot)
    pilot.app.push_screen(QuitDialog("job 7 merge six.yaml into night/six", 1))


_STEPS: dict[str, Step] = {
    "models": _pressing("1"),
    "models, adding": _pressing("a"),
    "models, filtered to nothing": _pressing("1", "slash", "q", "q", "q", "enter"),
    "models, all again": _pressing("slash", "backspace", "backspace", "backspace", "enter"),
    "curve": _pressing("2", "right", "space", "right"),
    "map": _pressing("v", "right", "right", "right", "down", "space", "right"),
    "histogram": _pressing("v"),
    "neurons": _pressing("v", "down"),
    "form of a score": _pressing("m"),
    "plan, empty": _with_plan("", "#plan-slices"),
    "plan, an error": _with_plan(PLAN, "#plan-slices"),
    "plan, an error, in the text": _with_plan(PLAN, "#plan-text"),
    "plan, an error, at the problems": _with_plan(PLAN, "#plan-problems"),
    "plan, broken": _with_plan(BROKEN, "#plan-text"),
    "plan, warnings": _with_plan(WARNED, "#plan-slices"),
    "plan, warnings, in the text": _with_plan(WARNED, "#plan-text"),
    "plan, at the results": _with_results,
    "plan, comparing": _with_plan(WARNED, "#plan-slices", compared=True),
    "plan, comparing, in the text": _with_plan(WARNED, "#plan-text", compared=True),
    "plan, comparing, at the problems": _with_plan(WARNED, "#plan-problems", compared=True),
    "recipes": _pressing("3", "N"),
    "form of a recipe": _pressing("3", "N", "enter"),
    "a new slice": _with_plan(WARNED, "#plan-slices"),
    "prompt of a scale": _pressing("s"),
    "runs": _at_jobs,
    "runs, a job that is done": _pressing("down", "down", "down", "down", "down"),
    "runs, a job in full": _at_detail,
    "runs, batch": _at_batch,
    "help": _pressing("f1"),
    "palette": _pressing("ctrl+p"),
    "palette, nothing found": _pressing("ctrl+p", "x", "x", "x"),
    "jump": _pressing("ctrl+o"),
    "question": _asked,
    "leaving": _asked_on_leaving,
}
