"""Leaving the screen: whole, waiting for nobody, and without taking anything along."""

from tests.jobs.workplace import Workplace, wait_until
from tests.terminal.conftest import Opened
from tests.terminal.gate import Gate
from tests.terminal.ptys import Terminal


def test_a_running_job_is_not_waited_for_and_goes_on(screen: Opened, place: Workplace, gate: Gate, merge: int) -> None:
    opened = screen()
    ask_to_leave(opened, place, merge)
    opened.press("\r")
    assert opened.exit_code() == 0
    assert place.is_running(merge)
    gate.open()
    place.result(merge)


def ask_to_leave(opened: Terminal, place: Workplace, merge: int) -> None:
    """While the job runs."""
    opened.wait_for("1 waiting")
    opened.press("4")
    opened.wait_for("merge a plan into out")
    opened.press("wy")
    wait_until(lambda: place.is_running(merge))
    opened.wait_for("▶ running")
    opened.press("q")
    opened.wait_for("quit; it keeps running")


def test_the_terminal_is_as_it_was(screen: Opened) -> None:
    opened = screen()
    assert opened.echoes()
    opened.wait_for("quit")
    assert not opened.echoes()
    opened.press("q")
    opened.exit_code()
    opened.rest()
    assert opened.echoes()
    for on, off in ((b"\x1b[?1049h", b"\x1b[?1049l"), (b"\x1b[?25l", b"\x1b[?25h")):
        assert opened.output.rindex(off) > opened.output.rindex(on)
