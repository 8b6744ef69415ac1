"""Leaving the screen while a job runs, and losing the connection: at most a second until its process has gone."""

import time

import pytest

from tests.jobs.workplace import Workplace
from tests.terminal.conftest import Opened, environment, gate, merge, place, screen, working_directory
from tests.terminal.conftest import _filled as _filled
from tests.terminal.test_leaving import ask_to_leave

pytestmark = pytest.mark.bench
__all__ = ["environment", "gate", "merge", "place", "screen", "working_directory"]

MOST_SECONDS = 1.0


def test_leaving_with_a_running_job_takes_less_than_a_second(screen: Opened, place: Workplace, merge: int) -> None:
    opened = screen()
    ask_to_leave(opened, place, merge)
    began = time.monotonic()
    opened.press("\r")
    opened.exit_code()
    taken = time.monotonic() - began
    print(f"\nleft after {taken:.2f} s")
    assert taken < MOST_SECONDS


def test_after_a_hang_up_it_is_gone_within_a_second(screen: Opened) -> None:
    opened = screen()
    opened.wait_for("Tiny-135M", "quit")
    began = time.monotonic()
    opened.hang_up()
    opened.exit_code()
    taken = time.monotonic() - began
    print(f"\ngone {taken:.2f} s after its terminal")
    assert taken < MOST_SECONDS
