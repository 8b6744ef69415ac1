"""Two workbench processes on one store: each reports the other, and neither loses text however it ends."""

import signal

from dlec_tui.session.slots import claim, look_around, restored
from tests.jobs.workplace import Workplace, wait_until
from tests.terminal.conftest import Opened


def unsaved(place: Workplace) -> set[str]:
    """Texts that a workbench opened now restores or offers."""
    own = claim(place.store)
    try:
        texts = {restored(place.store, own).document.text}
        return texts | {draft.document.text for draft in look_around(place.store, own).drafts}
    finally:
        own.release()


def test_the_plans_of_a_workbench_that_quits_and_of_one_that_is_killed_are_offered_again(
    place: Workplace, screen: Opened
) -> None:
    first = screen()
    first.wait_for("quit")
    second = screen()
    second.wait_for("Another workbench uses this store", str(first.process.pid))
    first.wait_for("Another workbench uses this store", str(second.process.pid))
    for terminal, letter, name in ((first, "a", "session.json"), (second, "b", "session-2.json")):
        terminal.press(f"3v# {letter}bc")
        wait_until(lambda letter=letter, name=name: f"# {letter}bc" in (place.home / name).read_text())
    second.press("\x1b")
    second.rest()
    second.press("q")
    assert second.exit_code() == 0
    first.process.send_signal(signal.SIGKILL)
    first.process.wait()
    assert unsaved(place) == {"# abc", "# bbc"}
