"""A lost connection ends the workbench and loses nothing: text, pane and running jobs."""

from dlec_tui.session.state import SESSION_FILE
from tests.jobs.workplace import Workplace, wait_until
from tests.terminal.conftest import Opened
from tests.terminal.gate import Gate
from tests.terminal.ptys import Terminal

SAVED_SECONDS = 10.0
"""Maximum time from a key press to the saved session: 1 second, with a margin for a busy machine."""


def test_a_running_job_finishes_and_is_reported_afterwards(
    screen: Opened, place: Workplace, gate: Gate, merge: int
) -> None:
    opened = screen()
    opened.wait_for("quit")
    opened.press("4")
    opened.wait_for("merge a plan into out")
    opened.press("wy")
    wait_until(lambda: place.is_running(merge))
    opened.hang_up()
    assert opened.exit_code() == 0
    assert place.is_running(merge)
    gate.open()
    assert place.result(merge)["out"].endswith("/out")
    again = screen()
    again.wait_for("While you were away", f"job {merge} merge a plan into out is done")


def write(opened: Terminal, text: str) -> None:
    """Type into the text of a new plan."""
    opened.wait_for("quit")
    opened.press("3")
    opened.wait_for("No slices.")
    opened.press("v")
    opened.wait_for("to the list")
    opened.press(text)
    opened.wait_for(text)


def test_pane_and_text_are_back_after_a_hang_up_and_after_a_kill(screen: Opened, place: Workplace) -> None:
    first = screen()
    write(first, "# a giant leap")
    first.hang_up()
    assert first.exit_code() == 0, "the workbench ends with its terminal"
    second = screen()
    second.wait_for("# a giant leap", "to the list")
    assert "Tiny-135M" not in second.text, "the pane of plans is in front"
    second.press(" for a typist")
    session = place.store.with_name(SESSION_FILE)
    wait_until(lambda: "for a typist" in session.read_text(), SAVED_SECONDS)
    second.process.kill()
    screen().wait_for("for a typist")
