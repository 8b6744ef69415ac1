"""Every check gets an answer, whatever happens to it."""

import threading
import time

from dlec_tui.doctor.result import Finding, State, fine
from dlec_tui.doctor.runner import Check, examined
from engine.errors import MachineError


def test_findings_come_in_the_order_of_the_checks():
    gate = threading.Event()

    def late() -> Finding:
        assert gate.wait(10)
        return fine("late")

    def early() -> Finding:
        gate.set()
        return fine("early")

    found = examined([Check("first", late), Check("second", early)])
    assert list(found.items()) == [("first", fine("late")), ("second", fine("early"))]


def test_an_explained_failure_is_a_note_with_its_remedy():
    def fails() -> Finding:
        raise MachineError("tmux failed", why="no server", fix="Start one.")

    found = examined([Check("tmux", fails)])["tmux"]
    assert (found.state, found.value, found.fix) == (
        State.NOTE,
        "unknown: tmux failed: no server",
        "Start one.",
    )


def test_a_foreign_exception_is_a_note_and_spares_the_others():
    def fails() -> Finding:
        raise ValueError("odd\x1b[2J")

    found = examined([Check("odd", fails), Check("good", lambda: fine("good"))])
    assert found["odd"].value == r"unknown: ValueError: odd\x1b[2J"
    assert found["good"] == fine("good")


def test_a_check_that_hangs_is_left_behind():
    forever = threading.Event()

    def hangs() -> Finding:
        forever.wait()
        return fine("too late")

    began = time.monotonic()
    found = examined([Check("disk", hangs, seconds=0.2), Check("good", lambda: fine("good"))])
    forever.set()
    assert time.monotonic() - began < 5
    assert found["disk"].value == "unknown: timed out after 0.2 s"
    assert found["good"] == fine("good")
