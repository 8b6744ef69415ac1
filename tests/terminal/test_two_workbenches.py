"""Two real processes on one store: neither loses a letter, however it ends, and each says that the other is there."""

import signal

import pytest

from dlec_tui.session.slots import claim, look_around, restored
from tests.jobs.workplace import Workplace, wait_until
from tests.terminal.conftest import Opened


def unsaved(place: Workplace) -> set[str]:
    """The texts that a workbench which is opened now has or offers."""
    own = claim(place.store)
    try:
        texts = {restored(place.store, own).document.text}
        return texts | {draft.document.text for draft in look_around(place.store, own).drafts}
    finally:
        own.release()


@pytest.mark.parametrize("ends", ["q", "killed"])
def test_the_plans_of_both_are_offered_again(place: Workplace, screen: Opened, ends: str) -> None:
    first = screen()
    first.wait_for("quit")
    second = screen()
    second.wait_for("Another workbench uses this store", str(first.process.pid))
    first.wait_for("Another workbench uses this store", str(second.process.pid))
    for terminal, letter, name in ((first, "a", "session.json"), (second, "b", "session-2.json")):
        terminal.press(f"3v# {letter}bc")
        wait_until(lambda letter=letter, name=name: f"# {letter}bc" in (place.home / name).read_text())
    for terminal in (second, first):
        if ends == "q":
            terminal.press("\x1b")
            terminal.rest()
            terminal.press("q")
            assert terminal.exit_code() == 0
        else:
            terminal.process.send_signal(signal.SIGKILL)
            terminal.process.wait()
    assert unsaved(place) == {"# abc", "# bbc"}
