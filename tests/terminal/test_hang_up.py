"""The connection is lost in the middle of something. Nothing else is."""

from dlec_tui.session.state import SESSION_FILE
from tests.jobs.workplace import Workplace, wait_until
from tests.terminal.conftest import Opened
from tests.terminal.gate import Gate
from tests.terminal.ptys import Terminal

THOUGHT = "a giant leap"
KEPT_SECONDS = 10.0
"""In which what was typed is in the session's file: a second later, and much for a busy machine."""


def test_the_screen_ends_with_its_terminal(screen: Opened) -> None:
    opened = screen()
    opened.wait_for("Tiny-135M", "quit")
    opened.hang_up()
    assert opened.exit_code() == 0


def test_where_one_was_is_where_one_is_again(screen: Opened) -> None:
    opened = screen()
    opened.wait_for("quit")
    opened.press("4")
    opened.wait_for("No jobs.")
    opened.hang_up()
    assert opened.exit_code() == 0
    again = screen()
    again.wait_for("No jobs.")
    assert "Tiny-135M" not in again.text


def test_a_running_job_finishes_and_is_told_of_afterwards(
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


def write_a_thought(opened: Terminal) -> None:
    """Into the text of a new plan."""
    opened.wait_for("quit")
    opened.press("3")
    opened.wait_for("No slices.")
    opened.press("v")
    opened.wait_for("to the list")
    opened.press(f"# {THOUGHT}")
    opened.wait_for(THOUGHT)


def test_what_was_typed_just_before_is_back(screen: Opened) -> None:
    opened = screen()
    write_a_thought(opened)
    opened.hang_up()
    assert opened.exit_code() == 0
    screen().wait_for(THOUGHT)


def test_what_was_typed_a_second_before_a_kill_is_back(screen: Opened, place: Workplace) -> None:
    opened = screen()
    write_a_thought(opened)
    session = place.store.with_name(SESSION_FILE)
    wait_until(lambda: session.exists() and THOUGHT in session.read_text(), KEPT_SECONDS)
    opened.process.kill()
    screen().wait_for(THOUGHT)
