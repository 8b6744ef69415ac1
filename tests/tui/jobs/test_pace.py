"""How fast a job is said to be, and how long it will take."""

from datetime import timedelta

from dlec_tui.jobs.progress import Pace, pace_of
from engine.store.job_states import Progress, Running, now

LATER = timedelta(seconds=10)


def test_the_pace_is_what_the_worker_measured_however_the_clock_was_set() -> None:
    running = Running(1, now(), Progress(60, 100, "merging", 2.0))
    for moment in (running.started_at - LATER, running.started_at + timedelta(days=3)):
        assert pace_of(running, moment) == Pace(2.0, 20.0)


def test_a_worker_of_an_older_version_leaves_it_to_be_derived() -> None:
    running = Running(1, now(), Progress(20, 0, "merging"))
    assert pace_of(running, running.started_at + LATER) == Pace(2.0, None)
    assert pace_of(running, running.started_at - LATER) is None
    assert pace_of(Running(1, now()), now() + LATER) is None
