"""One history for every way of editing a plan."""

from pathlib import Path

from dlec_tui.plans import document as plan_document
from dlec_tui.plans.document import PlanDocument


def test_each_edit_can_be_undone_and_redone() -> None:
    document = PlanDocument().edited("a", "add").edited("ab", "scale")
    assert document.undone().text == "a"
    assert document.undone().undone().text == ""
    assert document.undone().undone().undone() == document.undone().undone()
    assert document.undone().redone() == document
    assert document.redone() == document


def test_what_is_typed_in_one_go_is_one_step() -> None:
    document = PlanDocument().edited("a", "add").edited("ab", "typing", joins=True).edited("abc", "typing", joins=True)
    assert document.undone().text == "a"


def test_after_an_edit_there_is_nothing_to_redo() -> None:
    assert not PlanDocument().edited("a", "add").undone().edited("b", "add").future


def test_another_plan_has_a_history_of_its_own_and_is_not_changed() -> None:
    document = PlanDocument().edited("a", "add").opened("b", Path("b.yaml"))
    assert (document.text, document.past, document.is_changed) == ("b", (), False)
    assert document.edited("c", "add").is_changed
    assert not document.edited("c", "add").saved_as(Path("c.yaml")).is_changed


def test_a_long_history_of_large_plans_is_forgotten_from_its_beginning(monkeypatch) -> None:
    monkeypatch.setattr(plan_document, "MOST_CHARACTERS", 100)
    document = PlanDocument()
    for letter in "abcde":
        document = document.edited(letter * 40, "add")
    assert [step.text[:1] for step in document.past] == ["c", "d"]
