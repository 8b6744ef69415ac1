"""A clock that is set while a job runs changes neither what it took nor how fast it is."""

from datetime import timedelta

import pytest

from engine.errors import MachineError
from engine.jobs import monitor as room
from engine.jobs.heartbeat import registered
from engine.jobs.monitor import Monitor, Stage
from engine.jobs.scheduling import claim, settle
from engine.jobs.slots import Slot
from engine.jobs.store_access import StoreAccess
from engine.store.job_states import Done, Progress, now
from engine.store.jobs import find_job
from tests.jobs.states import spec


class NoSignals:
    have_come = False


@pytest.fixture
def access(store):
    with StoreAccess(store) as access:
        yield access


@pytest.mark.parametrize("days", [3, -3])
def test_what_a_job_took_is_right_though_the_clock_was_set(place, access, monkeypatch, days):
    place.submit(spec())
    with registered(access, place.store, Slot()) as heartbeat, access.connection() as connection:
        job = claim(connection, heartbeat.worker, Slot())
        monitor = Monitor(access, heartbeat, NoSignals(), job)
        monkeypatch.setattr(room, "now", lambda: now() + timedelta(days=days))
        monitor.tick()
        running = find_job(connection, job.id).state
        assert abs(running.started_at - room.now()) < timedelta(seconds=30)
        ended_at = room.now()
        assert settle(connection, job, Done(monitor.started_at, ended_at, {}))
        done = find_job(connection, job.id).state
        assert timedelta() <= done.ended_at - done.started_at < timedelta(seconds=30)


def test_a_clock_that_is_not_set_moves_nothing(place, access):
    place.submit(spec())
    with registered(access, place.store, Slot()) as heartbeat, access.connection() as connection:
        job = claim(connection, heartbeat.worker, Slot())
        monitor = Monitor(access, heartbeat, NoSignals(), job)
        monitor.tick()
        assert monitor.started_at == job.state.started_at
        assert find_job(connection, job.id).state.started_at == job.state.started_at


def test_a_pace_is_of_this_attempt_and_of_this_stage():
    resumed = Stage(100, 0.0, 60, 60)
    assert resumed.per_second(1.0) is None
    assert resumed.now_at(70, 100, 5.0).per_second(5.0) == 2.0
    next_stage = resumed.now_at(100, 100, 5.0).now_at(0, 40, 6.0)
    assert next_stage == Stage(40, 6.0, 0, 0)
    assert next_stage.now_at(4, 40, 8.0).per_second(8.0) == 2.0
    assert next_stage.now_at(4, 40, 8.0).now_at(1, 40, 9.0) == Stage(40, 9.0, 1, 1)


def test_a_merge_that_is_resumed_does_not_count_what_was_done_before(place, access, monkeypatch):
    """At 60 of 100 GB it was said to copy 60 GB/s, and to end in a second."""
    place.submit(spec())
    clock = iter([0.0, 0.0, 10.0])
    monkeypatch.setattr(room, "steady_seconds", lambda: next(clock))
    with registered(access, place.store, Slot()) as heartbeat, access.connection() as connection:
        job = claim(connection, heartbeat.worker, Slot())
        monitor = Monitor(access, heartbeat, NoSignals(), job)
        monitor.progressed(60, 100, "merging")
        monkeypatch.setattr(room, "PROGRESS_SECONDS", 0.0)
        monitor.progressed(80, 100, "merging")
        assert find_job(connection, job.id).state.progress == Progress(80, 100, "merging", 2.0)


@pytest.mark.parametrize(
    "error", [MachineError("locked"), OSError(116, "Stale file handle"), ValueError("a row")], ids=repr
)
def test_what_goes_wrong_about_other_workers_does_not_end_the_job(place, access, monkeypatch, error):
    def fails(*_arguments):
        raise error

    place.submit(spec())
    with registered(access, place.store, Slot()) as heartbeat, access.connection() as connection:
        job = claim(connection, heartbeat.worker, Slot())
        monkeypatch.setattr("engine.jobs.heartbeat.recover", fails)
        monkeypatch.setattr("engine.locks.os.utime", fails)
        heartbeat.doubt()
        Monitor(access, heartbeat, NoSignals(), job).tick()
        assert find_job(connection, job.id).state == job.state
