"""Several workbenches on one store: each has a session of its own, and no plan is lost."""

import asyncio
import errno
from pathlib import Path

import pytest

from dlec_tui.app import Workbench
from dlec_tui.panes.plan import PlanPane
from dlec_tui.plans.document import PlanDocument
from dlec_tui.session.slots import claim, forget, look_around, restored
from dlec_tui.session.state import Session, read_from, read_session, save_session, save_to
from engine.errors import UsageError
from tests.tui.conftest import eventually, settled, text_of

EDITED = PlanDocument().opened("a: 1\n", Path("/plans/b.yaml")).edited("a: 2\n", "typing")


def test_the_second_has_another_session_and_both_see_each_other(tmp_path: Path) -> None:
    store = tmp_path / "dlec.sqlite"
    save_session(store, Session("plan", "/models/m", EDITED, {"models": {"filter": "x"}, "runs": {"batch": 1}}))
    first, second = claim(store), claim(store)
    assert (first.file.name, second.file.name) == ("session.json", "session-2.json")
    assert [len(look_around(store, own).others) for own in (first, second)] == [1, 1]
    begun = restored(store, second)
    assert (begun.reference, begun.document, begun.panes) == ("/models/m", PlanDocument(), {"models": {"filter": "x"}})
    first.release()
    assert look_around(store, second).others == ()
    assert claim(store).file == first.file


def test_an_unsaved_plan_of_one_that_has_ended_is_offered_until_it_is_taken(tmp_path: Path) -> None:
    store = tmp_path / "dlec.sqlite"
    first, second = claim(store), claim(store)
    save_to(second.file, Session("plan", document=EDITED))
    assert look_around(store, first).drafts == (), "it is open"
    second.release()
    [draft] = look_around(store, first).drafts
    assert (draft.name, draft.document) == ("b.yaml", EDITED)
    again = claim(store)
    with pytest.raises(UsageError, match="open in another workbench"):
        forget(draft)
    again.release()
    forget(draft)
    assert look_around(store, first).drafts == ()
    assert read_from(second.file).pane == "plan"


def test_without_locks_a_living_process_keeps_its_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On file systems that know no locks its number and its host have to do."""

    def none(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("dlec_tui.session.slots.fcntl.flock", none)
    store = tmp_path / "dlec.sqlite"
    first = claim(store)
    monkeypatch.setattr("dlec_tui.session.slots.os.getpid", lambda: 2**22 + 1)
    second = claim(store)
    assert first.file != second.file
    assert len(look_around(store, second).others) == 1
    third = claim(store)  # the second's process is none
    assert third.file == second.file


def test_a_plan_left_elsewhere_is_said_and_opened_with_the_key_for_new_plans(store: Path) -> None:
    """It is in the own session then, and no longer in the other one."""
    first, second = claim(store), claim(store)
    save_to(second.file, Session("plan", document=EDITED))
    first.release()
    second.release()

    async def run() -> None:
        app = Workbench(store)
        async with app.run_test(size=(100, 30), notifications=True) as pilot:
            await eventually(pilot, lambda: app.drafts)
            await settled(pilot)
            assert "b.yaml: unsaved changes in another" in text_of(app)
            await pilot.press("3", "N", "enter")
            await settled(pilot)
            assert isinstance(app.front, PlanPane)
            assert app.front.document == EDITED
            await eventually(pilot, lambda: read_from(second.file).document == PlanDocument())
            assert read_session(store).document == EDITED

    asyncio.run(run())


def test_a_workbench_that_opens_later_is_said_to_the_first(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dlec_tui.app.NEIGHBOUR_SECONDS", 0.05)

    async def run() -> None:
        app = Workbench(store)
        async with app.run_test(size=(100, 30), notifications=True) as pilot:
            await settled(pilot)
            other = claim(store)
            await eventually(pilot, lambda: "Another workbench uses this store: process" in text_of(app))
            other.release()

    asyncio.run(run())
