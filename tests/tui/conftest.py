"""A store as it looks after some work, and the screen over it."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import pytest
from textual.pilot import Pilot

from dlec_tui.app import Workbench
from engine.store.database import open_for_writing
from engine.store.keys import ProfileKey
from engine.store.layers import LayerStatistics
from engine.store.models import ModelRow, save_model
from engine.store.plans import PlanUsed, save_plan
from engine.store.profiles import ProfileRows, save_profile
from engine.store.results import PreviewResult, save_preview
from engine.store.scores import Score, save_scores

LAYERS = 30
KEY = ProfileKey("f00d", "c0de", "7e47", "choosing", 4096, 256, "bfloat16", "torch 2, transformers 5, metrics 1")
JUDGING = ProfileKey("f00d", "c0de", "7e47", "judging", 4096, 256, "bfloat16", "torch 2, transformers 5, metrics 1")
PLAN = "# Repeats layers 6 to 11 of models/Tiny-135M: 30 layers become 36.\nmerge_method: passthrough\n"
NAIVE = "# Repeats layers 11, 14 and 25 of models/Tiny-135M.\nmerge_method: passthrough\n"

Play = Callable[[Pilot[None]], Awaitable[None]]


def depth(layer: int) -> float:
    """Large at both ends, small in the middle."""
    return 0.03 + 0.9 * math.exp(-2 * layer) + 0.3 * math.exp(layer - LAYERS)


def result(plan_sha256: str, delta: float) -> PreviewResult:
    nll = (3.0, 3.0 + delta)
    return PreviewResult(plan_sha256, JUDGING, *nll, delta, 0.01, delta - 0.02, delta + 0.02, 0.1, 0.8, 4080, 16)


def fill(store: Path) -> None:
    layers = [LayerStatistics(layer, depth(layer), 2 * depth(layer), 30.0, 100.0) for layer in range(LAYERS)]
    with closing(open_for_writing(store)) as db:
        save_model(db, ModelRow("0dd", "org/Unprofiled-8B", "qwen3", 36, 4096, 8_190_735_360, 16_381_470_720))
        save_model(db, ModelRow("f00d", "/models/Tiny-135M", "llama", LAYERS, 576, 134_515_008, 269_030_016))
        save_profile(db, KEY, ProfileRows(layers, [], [], []))
        save_scores(
            db, KEY, [Score("second_pass", layer, layer + 1, 7 * depth(layer), 0.01) for layer in range(LAYERS)]
        )
        save_plan(db, PlanUsed("aaaa", PLAN, ""))
        save_plan(db, PlanUsed("bbbb", NAIVE, ""))
        save_preview(db, result("bbbb", 0.61))
        save_preview(db, result("aaaa", 0.065))


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models, one of them profiled, scored, and tried with two plans. No test may write to it."""
    path = tmp_path_factory.mktemp("filled") / "dlec.sqlite"
    fill(path)
    return path


def played(store: Path, play: Play, size: tuple[int, int] = (80, 24)) -> str:
    """What is on the screen after `play` has pressed its keys."""

    async def run() -> str:
        app = Workbench(store)
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await play(pilot)
            await pilot.pause()
            return text_of(app)

    return asyncio.run(run())


def text_of(app: Workbench) -> str:
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips) + "\n"


def keys(*pressed: str) -> Play:
    async def play(pilot: Pilot[None]) -> None:
        await pilot.press(*pressed)

    return play
