"""What is back after a restart, and what happened meanwhile."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dlec_tui.app import Workbench
from dlec_tui.messages import PlanEdited
from dlec_tui.plans.document import PlanDocument
from dlec_tui.session.notices import away_text
from dlec_tui.session.state import SESSION_FILE, Session, read_session, save_session
from engine.errors import MachineError
from engine.protocol import as_data
from engine.store.job_states import Cancelled, Done, Failed, Running, State, now
from engine.store.jobs import Job, JobSpec
from tests.tui.conftest import eventually, keys, played, settled, submitted_job

DOCUMENT = (
    PlanDocument().edited("a: 1\n", "typing").edited("a: 2 \ud800\n", "scale").undone().saved_as(Path("/x/p.yaml"))
)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_a_session_is_read_as_it_was_saved(tmp_path: Path) -> None:
    session = Session("plan", "/models/m", DOCUMENT, {"plan": {"cursor": 3}}, "light", NOON)
    save_session(tmp_path / "dlec.sqlite", session)
    assert read_session(tmp_path / "dlec.sqlite") == session


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"version": 99}', b'{"version": 1, "panes": 3}', b"\xff"])
def test_one_that_cannot_be_read_is_a_new_one(tmp_path: Path, content: bytes) -> None:
    (tmp_path / SESSION_FILE).write_bytes(content)
    assert read_session(tmp_path / "dlec.sqlite") == Session()


def test_an_edit_is_kept_a_second_later_without_being_asked(store: Path) -> None:
    async def edit() -> None:
        app = Workbench(store)
        async with app.run_test() as pilot:
            app.post_message(PlanEdited(DOCUMENT))
            await eventually(pilot, lambda: read_session(store).document == DOCUMENT)

    asyncio.run(edit())


def test_after_a_restart_pane_plan_and_model_are_back(store: Path) -> None:
    save_session(store, Session("runs", "/models/Tiny-135M", DOCUMENT))

    async def restart() -> None:
        app = Workbench(store)
        async with app.run_test() as pilot:
            await settled(pilot)
            assert (app.front.AREA, app.reference, app.document) == ("runs", "/models/Tiny-135M", DOCUMENT)

    asyncio.run(restart())


def test_read_only_says_so_and_keeps_nothing(store: Path) -> None:
    assert "read-only" in played(store, keys("4"), read_only=True).splitlines()[0]
    asyncio.run(_left_at_once(store))
    assert not store.with_name(SESSION_FILE).exists()


async def _left_at_once(store: Path) -> None:
    app = Workbench(store, read_only=True)
    async with app.run_test() as pilot:
        await pilot.press("q")


def test_what_ended_while_nobody_looked_is_told_in_its_order() -> None:
    before, after = NOON - timedelta(hours=1), NOON + timedelta(hours=1)
    failure = as_data(MachineError("the disk is full", why="3 GB are missing"))
    jobs = [
        job(1, Done(before, before, {})),
        job(2, Failed(NOON, after + timedelta(minutes=1), failure)),
        job(3, Done(NOON, after, {})),
        job(4, Running(1, NOON)),
        job(5, Cancelled(after + timedelta(minutes=2))),
    ]
    assert away_text(jobs, NOON).splitlines() == [
        "job 3 merge p.yaml is done",
        "job 2 merge p.yaml failed: the disk is full: 3 GB are missing",
        "job 5 merge p.yaml was cancelled",
    ]
    assert away_text(jobs[:1], NOON) == ""


def test_of_very_many_only_some_are_told() -> None:
    jobs = [job(number, Done(NOON, NOON, {})) for number in range(20)]
    assert away_text(jobs, NOON).splitlines()[-1] == "and 14 more"


def job(number: int, state: State) -> Job:
    return Job(number, "", NOON, 1, JobSpec("merge", {}, "merge p.yaml", {}), state)


def test_it_is_told_on_the_screen_after_a_restart(store: Path) -> None:
    save_session(store, Session(left_at=NOON))
    submitted_job(store, Done(now(), now(), {}))
    screen = played(store, keys())
    assert "While you were away" in screen
    assert "job 1 merge p.yaml is done" in screen
