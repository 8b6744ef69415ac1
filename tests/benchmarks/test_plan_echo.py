"""In a plan with 500 slices a key is echoed within 50 ms, and what is wrong is said within 250 ms of the last key.

What counts is the processor time that it takes, and the pause after the last key: others may work on this machine.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median

import pytest
from textual.events import Key
from textual.pilot import Pilot

from dlec_tui.app import Workbench
from dlec_tui.panes.plan import PlanPane
from dlec_tui.widgets.plan_checker import CHECK_SECONDS
from engine.plan.recipes.text import SliceText, plan_text
from tests.tiny import write_llama
from tests.tui.conftest import fill
from tests.tui.plan_pane import checked

LAYERS, SLICES, KEYS = 30, 500, 10
MOST_ECHO, MOST_VERDICT = 0.05, 0.25
"""In seconds."""


class Painted:
    """When something was painted last: in the processor time of the thread that paints."""

    def __init__(self, app: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at: float | None = None
        paint = app._display

        def display(*what: object) -> None:
            paint(*what)  # type: ignore[arg-type]
            self.at = time.thread_time()

        monkeypatch.setattr(app, "_display", display)

    async def echo(self, app: Workbench, key: str, character: str) -> float:
        """Seconds of work between a key and the first thing that is painted then."""
        self.at = None
        began = time.thread_time()
        app.post_message(Key(key, character))
        while self.at is None:
            await asyncio.sleep(0.001)
        return self.at - began


async def verdict(pane: PlanPane, before: str) -> float:
    """Seconds of work, and the pause before it, until another text than `before` was looked over."""
    began = time.process_time()
    while pane.session.status is None or pane.session.status.text == before:
        await asyncio.sleep(0.005)
    return CHECK_SECONDS + time.process_time() - began


def measured(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    keys: list[tuple[str, str]],
    prepare: Callable[..., Awaitable[None]],
) -> tuple[list[float], list[float]]:
    """Echoes and verdicts of these keys, one after the other."""
    model = write_llama(tmp_path / "Tiny", layers=LAYERS)
    slices = [SliceText(start % (LAYERS - 2), start % (LAYERS - 2) + 2, "two") for start in range(SLICES)]
    plan = tmp_path / "long.yaml"
    plan.write_text(plan_text(["500 slices"], str(model), slices))
    fill(tmp_path / "dlec.sqlite")

    async def run() -> tuple[list[float], list[float]]:
        app = Workbench(tmp_path / "dlec.sqlite")
        async with app.run_test(size=(120, 36)) as pilot:
            await app.show_pane("plan")
            pane = app.front
            assert isinstance(pane, PlanPane)
            pane.open_file(plan)
            await checked(pilot, pane)
            await prepare(pilot, pane)
            painted = Painted(app, monkeypatch)
            echoes, verdicts = [], []
            for key in keys:
                before = pane.document.text
                echoes.append(await painted.echo(app, *key))
                verdicts.append(await verdict(pane, before))
                await checked(pilot, pane)
            return echoes, verdicts

    return asyncio.run(run())


async def into_the_list(pilot: Pilot[None], pane: PlanPane) -> None:
    pane.view.list.point_to(SLICES // 2)
    await checked(pilot, pane)


async def into_the_text(pilot: Pilot[None], pane: PlanPane) -> None:
    await into_the_list(pilot, pane)
    await pilot.press("v", "end")
    await checked(pilot, pane)


@pytest.mark.bench
@pytest.mark.parametrize(
    ("keys", "prepare"),
    [
        ([("plus", "+"), ("minus", "-")] * (KEYS // 2), into_the_list),
        ([("x", "x")] * KEYS, into_the_text),
    ],
    ids=["list", "text"],
)
def test_500_slices_can_be_edited_without_waiting(tmp_path: Path, monkeypatch, keys, prepare) -> None:
    echoes, verdicts = measured(tmp_path, monkeypatch, keys, prepare)
    print("echo, ms of work:", [round(1000 * each) for each in echoes])
    print("verdict, ms:", [round(1000 * each) for each in verdicts])
    assert median(echoes) < MOST_ECHO
    assert median(verdicts) < MOST_VERDICT
