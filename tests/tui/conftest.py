"""A store as it looks after some work, and the screen over it."""

import asyncio
import math
import shutil
import time
from collections.abc import Awaitable, Callable, Hashable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import pytest
from textual._context import active_app
from textual.app import App
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet
from textual.pilot import Pilot
from textual.screen import Screen

from dlec_tui.app import Workbench
from dlec_tui.terminal.app import TerminalApp
from dlec_tui.terminal.glyphs import GLYPHS
from engine.store.database import open_for_jobs, open_for_writing
from engine.store.job_states import Running, State, now
from engine.store.jobs import JobSpec, add_job, change, find_job
from engine.store.keys import MeasurementKey
from engine.store.models import ModelRow, save_model
from engine.store.previews import PlanUsed, PreviewResult, save_plan, save_preview
from engine.store.profiles import LayerStatistics, ProfileRows, save_profile
from engine.store.samples import BaseCheck, save_base_check
from engine.store.scores import Score, save_scores
from engine.store.workers import add_worker

LAYERS = 30
KEY = MeasurementKey("f00d", "c0de", "7e47", "selection", 4096, 256, "bfloat16", "torch 2, transformers 5, metrics 1")
HELDOUT = MeasurementKey("f00d", "c0de", "7e47", "heldout", 4096, 256, "bfloat16", "torch 2, transformers 5, metrics 1")
PLAN = "# Repeats layers 6 to 11 of models/Tiny-135M: 30 layers become 36.\nmerge_method: passthrough\n"
NAIVE = "# Repeats layers 11, 14 and 25 of models/Tiny-135M.\nmerge_method: passthrough\n"

Play = Callable[[Pilot[None]], Awaitable[None]]


def depth(layer: int) -> float:
    """Large at both ends, small in the middle."""
    return 0.03 + 0.9 * math.exp(-2 * layer) + 0.3 * math.exp(layer - LAYERS)


def result(plan_sha256: str, delta: float) -> PreviewResult:
    nll = (3.0, 3.0 + delta)
    return PreviewResult(plan_sha256, HELDOUT, *nll, delta, 0.01, delta - 0.02, delta + 0.02, 0.1, 0.8, 4080, 16)


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
        save_base_check(db, HELDOUT, BaseCheck(7.5, "", "<s>", 3.2, 3.3, 256, 3.1, 2.9))


AROUND = ("TERM", "TMUX", "STY", "SSH_CONNECTION", "NO_COLOR", "COLORTERM", "TEXTUAL_COLOR_SYSTEM", "DLEC_THEME")
"""Variables that change how the screen looks or what keys do."""
ROUNDS = 2
"""What is drawn may have something to say that is drawn, too."""
UNCHANGED_SECONDS = 0.02
"""Time without a change after which the screen counts as drawn."""
DEADLINE = 20.0
"""Seconds after which something that is waited for will not come."""


def submitted_job(store: Path, state: State | None = None) -> None:
    """A job that runs, or that got into `state` after having run."""
    with closing(open_for_jobs(store)) as connection:
        number = add_job(connection, JobSpec("merge", {}, "merge p.yaml", {}))
        worker = add_worker(connection, "cpu", "elsewhere", "boot", "/no/lock", 1)
        for each in filter(None, (Running(worker, now()), state)):
            found = find_job(connection, number)
            assert found
            change(connection, found, each)


@pytest.fixture(scope="session")
def _filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("filled") / "dlec.sqlite"
    fill(path)
    return path


@pytest.fixture
def store(_filled: Path, tmp_path: Path) -> Path:
    """Two models, one of them profiled, scored, and tried with two plans; a copy for each test."""
    return Path(shutil.copy(_filled, tmp_path / "dlec.sqlite"))


@pytest.fixture(autouse=True)
def _nothing_around(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The same terminal for everybody, and no worker that would outlive a test."""
    for name in AROUND:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("engine.jobs.launch.start_workers", lambda _store: ())
    monkeypatch.setattr("textual.app.wait_for_idle", handled)
    monkeypatch.setattr("textual.pilot.wait_for_idle", handled)
    monkeypatch.setattr("textual.screen.Screen._compositor_refresh", _count_change)
    monkeypatch.setattr("textual.css.stylesheet.Stylesheet._parse_rules", _parse_once)
    yield
    GLYPHS.speak_unicode()


@pytest.fixture
def foreign_exceptions() -> list[BaseException]:
    """Those that the screen has reported: a test that asks for them expects some."""
    return []


@pytest.fixture(autouse=True)
def _all_is_expected(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[None]:
    """What the screen survives is a failure here all the same."""
    is_awaited = "foreign_exceptions" in request.fixturenames
    found = request.getfixturevalue("foreign_exceptions") if is_awaited else []
    report = TerminalApp.report

    def noted(app: TerminalApp, error: BaseException) -> None:
        found.append(error)
        report(app, error)

    monkeypatch.setattr(TerminalApp, "report", noted)
    yield
    if found and not is_awaited:
        raise found[0]


def played(store: Path, play: Play, size: tuple[int, int] = (80, 24), **settings: object) -> str:
    """What is on the screen after `play` has pressed its keys. settings: of the Workbench."""

    async def run() -> str:
        app = Workbench(store, **settings)  # type: ignore[arg-type]
        async with app.run_test(size=size, notifications=True) as pilot:
            await settled(pilot)
            await play(pilot)
            await settled(pilot)
            return text_of(app)

    return asyncio.run(run())


_changes: WeakKeyDictionary[App[Any], int] = WeakKeyDictionary()
"""Number of changes of the screen of each app."""


def _count_change(screen: Screen[Any]) -> None:
    """Count a change instead of drawing it: there is no terminal, and `text_of` draws on request."""
    _changes[screen.app] = _changes.get(screen.app, 0) + bool(
        screen._dirty_widgets or screen._compositor._dirty_regions
    )
    screen._dirty_widgets.clear()
    screen._compositor._dirty_regions.clear()


_parsed: dict[Hashable, list[RuleSet]] = {}
_parse = Stylesheet._parse_rules


def _parse_once(stylesheet: Stylesheet, *css: Hashable, **options: Hashable) -> list[RuleSet]:
    """Parse each style sheet once for all apps of this process."""
    key = css, *options.items(), *stylesheet._variables.items()
    if key not in _parsed:
        _parsed[key] = _parse(stylesheet, *css, **options)  # type: ignore[arg-type]
    return _parsed[key]


async def handled(_least: float = 0.0, _most: float = 0.0) -> None:
    """Wait until nothing is left to do but for timers, threads, and the terminal; and draw.

    Textual's own way looks whether the process computes: 40 ms for every key.
    """
    app = active_app.get(None)
    while isinstance(app, TerminalApp) and not app.keys.is_idle:  # one may wait for a thread
        await asyncio.sleep(0)
    for _ in range(ROUNDS):
        await _nothing_ready()
        if app:
            app.screen._on_timer_update()
    await _nothing_ready()


async def _nothing_ready() -> None:
    while asyncio.get_running_loop()._ready:  # type: ignore[attr-defined]
        await asyncio.sleep(0)


async def settled(pilot: Pilot[None]) -> None:
    """Wait until all workers have finished, every message is handled, and nothing on the screen changes."""
    await pilot.pause()
    await eventually(pilot, lambda: all(worker.is_finished for worker in pilot.app.workers))
    before = -1
    while _changes.get(pilot.app, 0) != before:
        before = _changes.get(pilot.app, 0)
        await pilot.pause(UNCHANGED_SECONDS)


async def eventually(pilot: Pilot[None], condition: Callable[[], object]) -> None:
    """Wait until `condition` holds."""
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not come"
        await pilot.pause(0.01)


def text_of(app: App[Any]) -> str:
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips) + "\n"


def keys(*pressed: str) -> Play:
    async def play(pilot: Pilot[None]) -> None:
        await pilot.press(*pressed)

    return play
