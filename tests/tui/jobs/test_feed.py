"""The jobs as they are seen while they change."""

import asyncio
import threading
from pathlib import Path

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from dlec_tui.messages import JobsSeen
from dlec_tui.widgets.job_feed import JobFeed
from tests.tui.conftest import eventually


class Watching(App[None]):
    def __init__(self, store: Path) -> None:
        super().__init__()
        self.store, self.seen = store, list[object]()

    def compose(self) -> ComposeResult:
        yield JobFeed(self.store)

    def on_jobs_seen(self, message: JobsSeen) -> None:
        self.seen.append(message.jobs)


def test_an_older_look_never_comes_behind_a_newer_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first takes longer than the ones that are wanted meanwhile."""
    looks, goes_on = list[int](), threading.Event()

    def read(_store: Path) -> int:
        looks.append(len(looks) + 1)
        number = looks[-1]
        if number == 1:
            goes_on.wait(20)
        return number

    monkeypatch.setattr("dlec_tui.jobs.job_view.read_jobs", read)

    async def run() -> None:
        app = Watching(tmp_path / "dlec.sqlite")

        async def look(pilot: Pilot[None]) -> None:
            feed = app.query_one(JobFeed)
            for _ in range(3):
                feed.read()
                await pilot.pause(0.05)
            goes_on.set()
            await eventually(pilot, lambda: 2 in app.seen)

        async with app.run_test() as pilot:
            await look(pilot)
        assert app.seen == sorted(app.seen)

    asyncio.run(run())
