"""The jobs on the screen, by their keys."""

import asyncio
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from dlec_tui.app import Workbench
from dlec_tui.jobs.job_view import StoredJobs
from dlec_tui.panes.runs import RunsPane
from dlec_tui.widgets.dialogs import Question
from engine.jobs.liveness import held
from engine.jobs.logs import job_log
from engine.store.job_states import Cancelled, Done, Held, Running, Stop, Waiting
from tests.jobs.states import failed, put, run_by, seen, spec
from tests.jobs.workplace import Workplace
from tests.tui.conftest import eventually, keys, played, settled, text_of
from tests.tui.seen_jobs import EVENING, FULL, MERGED, NOW, ago, done, stored

SCREENS = Path(__file__).parent / "screens"
LOG = "=== 2026-04-01 22:29:48.000 UTC  merge: merge six.yaml into night/six, attempt 1\nReading shards\n"


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    return Workplace(tmp_path / "home")


@pytest.fixture
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Everybody is in Greenwich."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def evening(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, utc: None) -> Path:  # noqa: ARG001
    """One evening's jobs, a log, and a clock that stands still. Gives a store."""
    (tmp_path / "job-7.log").write_text(LOG)
    monkeypatch.chdir(tmp_path)
    show(monkeypatch, EVENING)
    monkeypatch.setattr("dlec_tui.widgets.job_detail.job_log", lambda _store, job_id: Path(f"job-{job_id}.log"))
    said = "cpu 87 % of 16 cores, memory 12.0 GB of 64.0 GB"
    monkeypatch.setattr("dlec_tui.widgets.job_table.devices_text", lambda *_: said)
    return tmp_path / "dlec.sqlite"


async def type_in(pilot: Pilot[None], text: str) -> None:
    """At once: each key that is pressed costs a test tens of milliseconds."""
    assert isinstance(pilot.app.focused, Input)
    pilot.app.focused.value = text
    await pilot.press("enter")
    await settled(pilot)


def show(monkeypatch: pytest.MonkeyPatch, jobs: StoredJobs) -> None:
    monkeypatch.setattr("dlec_tui.jobs.job_view.read_jobs", lambda _store: jobs)


@pytest.mark.parametrize("size", [(80, 24), (140, 40)], ids=["80x24", "140x40"])
def test_the_whole_pane_is_as_it_was_agreed(evening: Path, monkeypatch, size: tuple[int, int]) -> None:
    """Write the files anew with WRITE_SCREENS=1, and look at them."""
    monkeypatch.setattr("dlec_tui.batches.Path.cwd", lambda: Path("/work"))
    golden = SCREENS / f"runs-{size[0]}x{size[1]}.txt"

    async def play(pilot: Pilot[None]) -> None:
        await pilot.press("f5")
        await eventually(pilot, lambda: "cpu 87 %" in text_of(pilot.app))

    screen = played(evening, play, size)
    if os.environ.get("WRITE_SCREENS"):
        golden.write_text(screen)
    assert screen == golden.read_text()


DETAILS = (
    (
        ["G", "k", "k"],
        ["✗ failed at 21:35", "the disk is too full for night/two: 304.5 MB more", "Make space, then run"],
    ),
    (["g", "j", "j", "j", "j"], ["perplexity +9.6 % (95 % interval +8.9 to +10.3)"]),
    (["g", "j", "j", "j"], ["‖ held: on request"]),
    (["G", "k"], ["304 MB, load check passed"]),
)
"""Keys that lead to a job, and text of its details."""


def test_enter_shows_all_details_of_a_job_on_a_small_screen(evening: Path) -> None:
    async def play(pilot: Pilot[None]) -> None:
        await pilot.press("f5")
        for where, words in DETAILS:
            await pilot.press(*where, "enter")
            await settled(pilot)
            screen = text_of(pilot.app)
            assert not [word for word in words if word not in screen]
            assert "id  state" not in screen
            await pilot.press("q")
            await settled(pilot)

    played(evening, play)


def test_back_and_f6_go_from_part_to_part(evening: Path) -> None:
    async def play(pilot: Pilot[None]) -> None:
        await pilot.press("f5", "enter", "q")
        await settled(pilot)
        before = text_of(pilot.app)
        assert "id  state" in before
        await pilot.press("f6", "f6")
        await settled(pilot)
        assert "The batch list is empty" in text_of(pilot.app)
        await pilot.press("f6")
        await settled(pilot)
        assert text_of(pilot.app) == before

    played(evening, play)


def test_l_shows_the_log_instead(evening: Path) -> None:
    async def play(pilot: Pilot[None]) -> None:
        await pilot.press("f5", "l")
        await eventually(pilot, lambda: "Reading shards" in text_of(pilot.app))

    assert "submitted" not in played(evening, play)


def test_the_filter_leaves_out_jobs_without_its_words(evening: Path) -> None:
    async def play(pilot: Pilot[None]) -> None:
        await pilot.press("f5", "slash")
        await type_in(pilot, "failed merge")

    screen = played(evening, play)
    assert "1 of 8" in screen
    assert "two.yaml" in screen
    assert "nine.yaml" not in screen


def test_nothing_in_a_job_steers_the_terminal_or_is_markup(evening: Path, monkeypatch) -> None:
    bad = "\x1b[31m[b]red\x1b]0;title\x07"
    error = {**FULL, "what": bad, "fix": bad}
    job = stored(1, failed(**error), f"merge {bad}", inputs={bad: "f00d"}, batch=bad)
    show(monkeypatch, StoredJobs((job,), NOW))
    screen = played(evening, keys("f5", "enter"))
    assert "\x1b" not in screen
    assert "[b]red" in screen


def test_the_result_of_another_version_is_no_accident(evening: Path, monkeypatch) -> None:
    jobs = [stored(at, done({"unknown": 1}), task, task) for at, task in enumerate(("merge", "preview", "profile"))]
    show(monkeypatch, StoredJobs(tuple(jobs), NOW))
    assert "profile" in played(evening, keys("f5", "j", "j"))


def on(place: Workplace, play, size: tuple[int, int] = (80, 24), **settings: bool) -> None:
    """play: is given the pilot and the pane, once the jobs are on the screen."""

    async def run() -> None:
        app = Workbench(place.store, **settings)
        async with app.run_test(size=size, notifications=True) as pilot:
            await pilot.press("f5")
            pane = app.front
            assert isinstance(pane, RunsPane)
            await eventually(pilot, lambda: pane.view.table.items)
            await play(pilot, pane)
            await settled(pilot)

    asyncio.run(run())


def ids(pane: RunsPane) -> list[int]:
    return [each.job.id for each in pane.view.table.items]


def test_cancelling_asks_first_and_enter_by_habit_does_nothing(place: Workplace) -> None:
    job_id = place.submit(spec())

    async def play(pilot: Pilot[None], pane: RunsPane) -> None:  # noqa: ARG001
        await pilot.press("x", "enter")
        await settled(pilot)
        assert place.job(job_id).state == Waiting()
        await pilot.press("x", "y")
        await eventually(pilot, lambda: isinstance(place.job(job_id).state, Cancelled))

    on(place, play)


@pytest.mark.parametrize(("key", "stop"), [("k", Stop.KEEP), ("y", Stop.DISCARD), ("n", None)])
def test_of_a_running_merge_what_is_written_can_be_kept(place: Workplace, tmp_path: Path, key: str, stop) -> None:
    job_id = place.submit(spec("merge plan.yaml into out", task="merge"))

    async def play(pilot: Pilot[None], pane: RunsPane) -> None:  # noqa: ARG001
        await pilot.press("x", key)
        await settled(pilot)
        state = place.job(job_id).state
        assert isinstance(state, Running)
        assert state.stop == stop

    with held(tmp_path / "lock") as lock:
        run_by(place, job_id, lock.path)
        on(place, play)


def test_h_holds_and_releases(place: Workplace) -> None:
    job_id = place.submit(spec())

    async def play(pilot: Pilot[None], pane: RunsPane) -> None:
        await pilot.press("h")
        await eventually(pilot, lambda: pane.view.current and isinstance(pane.view.current.job.state, Held))
        await pilot.press("h")
        await eventually(pilot, lambda: place.job(job_id).state == Waiting())

    on(place, play)


def test_a_job_of_a_living_worker_elsewhere_is_not_taken_from_it(place: Workplace, tmp_path: Path) -> None:
    """Its heartbeat says so; after a silence the user is asked, and Enter by habit is no."""
    job_id = place.submit(spec())
    worker = run_by(place, job_id, tmp_path / "lock", host="far-away")

    async def play(pilot: Pilot[None], pane: RunsPane) -> None:
        await pilot.press("h")
        await eventually(pilot, lambda: "the job is running on far-away" in text_of(pilot.app))
        assert isinstance(place.job(job_id).state, Running)
        await settled(pilot)
        seen(place, worker, ago(hours=2))
        await eventually(pilot, lambda: pane.view.current.worker and not pane.view.current.worker.lives)
        await pilot.press("h")
        await eventually(pilot, lambda: isinstance(pilot.app.screen, Question))
        await settled(pilot)
        assert isinstance(pilot.app.screen, Question)
        assert "the job runs twice" in pilot.app.screen._question
        await pilot.press("enter")
        await settled(pilot)
        assert isinstance(place.job(job_id).state, Running)
        await pilot.press("h", "y")
        await eventually(pilot, lambda: place.job(job_id).state == Waiting())

    on(place, play)


def test_what_a_job_has_not_written_stays_when_it_is_cancelled(place: Workplace, tmp_path: Path) -> None:
    """A merge that was never begun, into the output of which an earlier one has written a part."""
    partial = tmp_path / ".out.dlec-partial"
    partial.mkdir()
    (partial / "journal").touch()
    job_id = place.submit(spec(task="merge", request={"out": str(tmp_path / "out"), "plan": ""}))

    async def play(pilot: Pilot[None], _pane: RunsPane) -> None:
        await pilot.press("x", "y")
        await eventually(pilot, lambda: isinstance(place.job(job_id).state, Cancelled))
        await settled(pilot)
        assert (partial / "journal").exists()

    on(place, play)


def test_workers_are_started_after_a_question(place: Workplace, monkeypatch) -> None:
    place.submit(spec())
    started: list[Path] = []
    monkeypatch.setattr("engine.jobs.launch.start_workers", lambda store: started.append(store) or ())

    async def play(pilot: Pilot[None], _pane: RunsPane) -> None:
        await pilot.press("w", "enter")
        await settled(pilot)
        assert not started
        await pilot.press("w", "y")
        await eventually(pilot, lambda: started == [place.store])

    on(place, play)


def test_jobs_are_moved_among_those_that_wait(place: Workplace) -> None:
    first, second, third = place.submit(spec("a"), spec("b"), spec("c"))

    async def play(pilot: Pilot[None], pane: RunsPane) -> None:
        await pilot.press("J", "J")
        await eventually(pilot, lambda: ids(pane) == [second, third, first])
        await pilot.press("K")
        await eventually(pilot, lambda: ids(pane) == [second, first, third])
        assert pane.view.current
        assert pane.view.current.job.id == first

    on(place, play)


def test_a_failed_job_is_queued_again_and_an_ended_one_deleted_with_its_log(place: Workplace) -> None:
    again, gone = place.submit(spec("a"), spec("b"))
    put(place, again, failed())
    put(place, gone, Done(ago(hours=2), ago(hours=1), MERGED))
    log = job_log(place.store, gone)
    log.parent.mkdir()
    log.touch()

    async def play(pilot: Pilot[None], pane: RunsPane) -> None:
        await pilot.press("g", "r")
        await eventually(pilot, lambda: place.job(again).state == Waiting())
        pane.view.table.point_to(gone)
        await pilot.press("D", "y")
        await eventually(pilot, lambda: not log.exists())
        assert place.job(gone) is None

    on(place, play)


def test_what_cannot_be_done_says_why(place: Workplace) -> None:
    place.submit(spec())

    async def play(pilot: Pilot[None], pane: RunsPane) -> None:  # noqa: ARG001
        await pilot.press("D")
        await eventually(pilot, lambda: "the job is waiting; cancel it first" in text_of(pilot.app))

    on(place, play)


def test_nothing_is_changed_when_the_screen_is_for_reading(place: Workplace) -> None:
    job_id = place.submit(spec())

    async def play(pilot: Pilot[None], pane: RunsPane) -> None:  # noqa: ARG001
        await pilot.press("x", "y", "h", "w")
        await settled(pilot)
        assert place.job(job_id).state == Waiting()

    on(place, play, read_only=True)


def test_the_card_of_a_finished_merge_is_shown_without_its_metadata(place: Workplace, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "README.md").write_text("---\nlicense: mit\n---\n# Eight layers\n\nWritten \x1b[31mby dlec.\n")
    job_id = place.submit(spec(task="merge", request={"out": str(out)}))
    put(place, job_id, Done(ago(hours=2), ago(hours=1), MERGED))

    async def play(pilot: Pilot[None], pane: RunsPane) -> None:
        await pilot.press("c")
        await eventually(pilot, lambda: "Eight layers" in text_of(pilot.app))
        screen = text_of(pilot.app)
        assert "license" not in screen
        assert r"\x1b" in screen
        await pilot.press("q")
        await eventually(pilot, lambda: "Eight layers" not in text_of(pilot.app))
        assert pane.value() == str(out)
        assert pane.command().startswith(f"dlec jobs show {job_id} --home ")

    on(place, play)
