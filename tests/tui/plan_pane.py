"""A small model, plans of it, and the plan pane over them."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from textual.pilot import Pilot
from textual.widgets import Input

from dlec_tui.app import Workbench
from dlec_tui.panes.plan import PlanPane
from tests.tiny import write_llama
from tests.tui.conftest import eventually, settled, text_of

LAYERS = 6
TWICE = """\
# the middle twice
merge_method: passthrough
slices:
  - sources:
      - model: {model}
        layer_range: [0, 4]  # up to the middle
  - sources:
      - model: {model}
        layer_range: [2, 6]
"""

Play = Callable[[Pilot[None], PlanPane], Awaitable[None]]


def model_in(directory: Path) -> Path:
    return write_llama(directory / "Tiny", layers=LAYERS)


def plan_in(directory: Path, text: str = TWICE) -> Path:
    """A plan of a small model, which is written beside it."""
    path = directory / "twice.yaml"
    path.write_text(text.format(model=model_in(directory)))
    return path


def planned(store: Path, plan: Path | None, play: Play, size: tuple[int, int] = (80, 24), **settings: object) -> str:
    """What is on the screen after `play` with that plan open in the plan pane."""

    async def run() -> str:
        app = Workbench(store, **settings)  # type: ignore[arg-type]
        async with app.run_test(size=size, notifications=True) as pilot:
            await pilot.press("3")
            await settled(pilot)
            pane = app.front
            assert isinstance(pane, PlanPane)
            if plan is not None:
                pane.open_file(plan)
                await checked(pilot, pane)
            await play(pilot, pane)
            await checked(pilot, pane)
            return text_of(app)

    return asyncio.run(run())


async def checked(pilot: Pilot[None], pane: PlanPane) -> None:
    """Wait until what stands there was looked over and everything is drawn."""
    await settled(pilot)
    await eventually(pilot, lambda: pane.session.status is not None and pane.session.status.text == pane.document.text)
    await settled(pilot)


async def write(pilot: Pilot[None], text: str) -> None:
    """Answer the prompt that is open."""
    await settled(pilot)
    pilot.app.screen.query_one(Input).value = text
    await pilot.press("enter")
