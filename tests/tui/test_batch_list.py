"""The batch list: pure parts here, its keys on the screen."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from dlec_tui.app import Workbench
from dlec_tui.batches import BatchMarks, marks_from
from dlec_tui.panes.runs import RunsPane
from dlec_tui.terminal.path_completion import PLANS, completed
from dlec_tui.widgets.dialogs import Question
from engine.store.database import open_for_reading
from engine.store.jobs import Job, jobs_in
from tests.cli.conftest import write_plan
from tests.tui.conftest import eventually, settled, text_of

A, B, C = (Path(f"/plans/{name}.yaml") for name in "abc")


def test_a_plan_stands_on_the_list_once_and_is_moved_as_far_as_there_is_room():
    marks = BatchMarks().added([A, B]).added([C, A])
    assert marks.plans == (A, B, C)
    assert marks.moved(C, -1).plans == (A, C, B)
    assert marks.moved(A, -1).plans == marks.moved(C, 1).plans == (A, B, C)
    assert marks.without(B).plans == (A, C)


def test_outputs_go_beside_the_first_plan_unless_told():
    marks = BatchMarks().added([A, B])
    assert [target.out for target in marks.targets] == [Path("/plans/a"), Path("/plans/b")]
    assert [target.out for target in marks.into(Path("/night")).targets] == [Path("/night/a"), Path("/night/b")]


def test_it_is_the_same_after_a_restart():
    marks = BatchMarks().added([A, B]).into(Path("/night"))
    assert marks_from(json.loads(json.dumps(marks.as_data()))) == marks


def test_only_plans_and_directories_are_completed(tmp_path: Path):
    for name in ("plan.txt", "plan.yaml"):
        (tmp_path / name).touch()
    (tmp_path / "zoo").mkdir()
    assert completed(f"{tmp_path}/pl", PLANS) == f"{tmp_path}/plan.yaml"
    assert completed(f"{tmp_path}/z", PLANS) == f"{tmp_path}/zoo/"
    assert completed(f"{tmp_path}/q", PLANS) is None
    assert completed("/no/such/place/", PLANS) is None


@pytest.fixture
def plans(tmp_path: Path, tiny_llama: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Two plans that can be merged, and one that reaches beyond its model."""
    directory = tmp_path / "plans"
    directory.mkdir()
    write_plan(directory / "a.yaml", tiny_llama, (0, 4), (2, 6))
    write_plan(directory / "b.yaml", tiny_llama, (0, 5), (2, 6))
    write_plan(directory / "bad.yaml", tiny_llama, (0, 4), (2, 9))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("engine.jobs.batch.free_bytes", lambda _directory: 10_000_000)
    return directory


async def add(pilot: Pilot[None], pattern: str) -> None:
    """As a user does it."""
    await pilot.press("a")
    await type_in(pilot, pattern)


async def type_in(pilot: Pilot[None], text: str) -> None:
    """At once: each key that is pressed costs a test tens of milliseconds."""
    assert isinstance(pilot.app.focused, Input)
    pilot.app.focused.value = text
    await pilot.press("enter")
    await settled(pilot)


def words_of(app: Workbench) -> str:
    """What stands on the screen, lines and frames left out."""
    return " ".join(text_of(app).replace("│", " ").split())


def queued(store: Path) -> list[Job]:
    with closing(open_for_reading(store)) as connection:
        return list(jobs_in(connection))


def on_runs(store: Path, play, size: tuple[int, int] = (100, 40)) -> None:
    """play: is given the pilot, with the runs in front."""

    async def run() -> None:
        app = Workbench(store)
        async with app.run_test(size=size, notifications=True) as pilot:
            await pilot.press("f5")
            await settled(pilot)
            await play(pilot, app)

    asyncio.run(run())


@pytest.mark.usefixtures("plans")
def test_marked_plans_are_put_in_order_and_queued_together(tmp_path: Path):
    store = tmp_path / "home" / "dlec.sqlite"

    async def play(pilot: Pilot[None], app: Workbench) -> None:
        await add(pilot, "plans/[ab].yaml")
        await eventually(pilot, lambda: "2 merges: 783 kB needed; 10.0 MB free" in words_of(app))
        await pilot.press("J", "o")
        await type_in(pilot, str(tmp_path / "night"))
        await eventually(pilot, lambda: "ready: press b" in text_of(app))
        await pilot.press("b")
        await eventually(pilot, lambda: isinstance(app.screen, Question))
        await settled(pilot)
        assert "Write 783 kB in 2 merges into" in text_of(app)
        assert not queued(store)
        await pilot.press("y")
        await eventually(pilot, lambda: "The batch list is empty" in text_of(app))
        await settled(pilot)
        assert isinstance(app.front, RunsPane)
        assert app.front.view.table.has_focus

    on_runs(store, play)
    jobs = queued(store)
    assert [job.spec.request["out"] for job in jobs] == [str(tmp_path / "night" / name) for name in "ba"]
    assert len({job.spec.batch for job in jobs}) == 1


@pytest.mark.usefixtures("plans")
def test_with_a_problem_nothing_is_queued_and_the_problem_is_shown(tmp_path: Path):
    store = tmp_path / "home" / "dlec.sqlite"

    async def play(pilot: Pilot[None], app: Workbench) -> None:
        await add(pilot, "plans/*.yaml")
        await eventually(pilot, lambda: "line 8: [2, 9] ends past the last layer" in words_of(app))
        await pilot.press("b")
        await eventually(pilot, lambda: "the batch is not queued: 1 problem" in words_of(app))
        assert not queued(store)
        await pilot.press("G", "x")  # the bad one
        await eventually(pilot, lambda: "ready: press b" in text_of(app))

    on_runs(store, play)


@pytest.mark.usefixtures("plans")
def test_what_was_marked_is_there_after_a_restart(tmp_path: Path):
    store = tmp_path / "home" / "dlec.sqlite"

    async def mark(pilot: Pilot[None], app: Workbench) -> None:
        assert isinstance(app.front, RunsPane)
        app.front.batch_requested(tmp_path / "plans/a.yaml")
        await settled(pilot)
        await pilot.press("q")

    async def look(pilot: Pilot[None], app: Workbench) -> None:
        await eventually(pilot, lambda: "8 layers  370 kB" in text_of(app))

    on_runs(store, mark)
    on_runs(store, look)


def test_a_name_that_is_no_plan_is_said(tmp_path: Path):
    async def play(pilot: Pilot[None], app: Workbench) -> None:
        await add(pilot, "nowhere.yaml")
        await eventually(pilot, lambda: "no plan file matches nowhere.yaml" in text_of(app))

    on_runs(tmp_path / "dlec.sqlite", play)
