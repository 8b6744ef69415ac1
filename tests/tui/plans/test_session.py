"""A plan while it is edited: what the workbench returns, what the disk shows, and what opening and saving decide."""

from pathlib import Path

import pytest

from dlec_tui.plans.document import PlanDocument
from dlec_tui.plans.files import OnDisk
from dlec_tui.plans.plan_status import slices_in
from dlec_tui.plans.session import FileChange, PlanSession

PATH = Path("/plans/a.yaml")
PLAN = "slices:\n- sources:\n  - model: m\n    layer_range: [0, 2]\n"
BROKEN = "slices: ["


def on_disk(text: str | None, path: Path = PATH) -> OnDisk:
    return OnDisk(path, (1, len(text or "")), text)


@pytest.fixture
def session() -> PlanSession:
    """A session with an opened file."""
    session = PlanSession()
    session.put(session.opened(on_disk(PLAN)))
    return session


def test_a_document_that_comes_back_from_the_workbench_is_not_shown_again(session: PlanSession) -> None:
    sent = session.document
    session.put(sent.edited("later", "typing"))
    assert not session.receive(sent)
    assert session.document.text == "later"
    assert session.receive(PlanDocument().edited("foreign", "typing"))
    assert session.document.text == "foreign"


def test_only_a_plan_with_text_has_unsaved_changes(session: PlanSession) -> None:
    assert not session.has_unsaved_changes
    session.put(session.document.edited("other", "typing"))
    assert session.has_unsaved_changes
    session.put(session.new_plan("  \n"))
    assert not session.has_unsaved_changes


def test_the_last_valid_slices_stay_while_the_text_is_invalid(session: PlanSession) -> None:
    assert session.read_slices()
    session.put(session.document.edited(BROKEN, "typing"))
    assert session.read_slices()
    assert len(session.slices.views) == 1
    assert session.slices.unreadable
    assert not session.take_slices(slices_in(BROKEN))


@pytest.mark.parametrize(
    ("found", "change"),
    [
        (None, FileChange.NONE),
        (on_disk(PLAN), FileChange.NONE),
        (on_disk("changed"), FileChange.CHANGED),
        (on_disk(None), FileChange.GONE),
        (on_disk("changed", Path("/plans/other.yaml")), None),
    ],
)
def test_a_look_at_the_file_finds_its_change(
    session: PlanSession, found: OnDisk | None, change: FileChange | None
) -> None:
    assert session.change_of(found) is change


def test_a_changed_file_is_reloaded_as_one_edit_that_can_be_undone(session: PlanSession) -> None:
    document = session.reloaded(on_disk("changed"))
    assert (document.text, document.is_changed, document.undone().text) == ("changed", False, PLAN)


def test_a_kept_text_is_unsaved_and_the_file_is_not_asked_about_again(session: PlanSession) -> None:
    changed = on_disk("changed")
    session.put(session.kept(changed))
    assert (session.document.text, session.document.is_changed) == (PLAN, True)
    assert session.known_file == changed
    assert session.change_of(changed) is FileChange.NONE


def test_a_plan_whose_file_is_gone_can_be_discarded(session: PlanSession) -> None:
    assert session.reloaded(on_disk(None)) == PlanDocument().opened("", None)


def test_text_typed_while_the_file_is_written_stays_unsaved(session: PlanSession) -> None:
    session.put(session.document.edited("typed meanwhile", "typing"))
    assert session.saved(on_disk(PLAN)).is_changed


def test_only_another_file_that_exists_needs_a_confirmation(session: PlanSession) -> None:
    assert session.must_confirm_path(Path("/plans/b.yaml"), exists=True)
    assert not session.must_confirm_path(Path("/plans/b.yaml"), exists=False)
    assert not session.must_confirm_path(PATH, exists=True)


def test_a_new_plan_has_no_file_to_watch(session: PlanSession) -> None:
    session.put(session.new_plan(PLAN))
    assert session.known_file is None


def test_an_empty_plan_cannot_run() -> None:
    assert PlanSession().reason_against_running == "the plan is empty"
