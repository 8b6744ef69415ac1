"""A clock that is set while a job runs changes neither what it took nor how fast it is."""

from datetime import timedelta

import pytest

from engine.jobs import watch as room
from engine.jobs.claims import claim, settle
from engine.jobs.presence import present
from engine.jobs.slots import Slot
from engine.jobs.store_access import StoreAccess
from engine.jobs.watch import Watch
from engine.store.job_states import Done, now
from engine.store.jobs import find_job
from tests.jobs.states import order


class NoSignals:
    have_come = False


@pytest.fixture
def access(store):
    with StoreAccess(store) as access:
        yield access


@pytest.mark.parametrize("days", [3, -3])
def test_what_a_job_took_is_right_though_the_clock_was_set(place, access, monkeypatch, days):
    place.submit(order())
    with present(access, place.store, Slot()) as presence, access.connection() as connection:
        job = claim(connection, presence.worker, Slot())
        watch = Watch(access, presence, NoSignals(), job)
        monkeypatch.setattr(room, "now", lambda: now() + timedelta(days=days))
        watch.tick()
        running = find_job(connection, job.id).state
        assert abs(running.started_at - room.now()) < timedelta(seconds=30)
        ended_at = room.now()
        assert settle(connection, job, Done(watch.started_at, ended_at, {}))
        done = find_job(connection, job.id).state
        assert timedelta() <= done.ended_at - done.started_at < timedelta(seconds=30)


def test_a_clock_that_is_not_set_moves_nothing(place, access):
    place.submit(order())
    with present(access, place.store, Slot()) as presence, access.connection() as connection:
        job = claim(connection, presence.worker, Slot())
        watch = Watch(access, presence, NoSignals(), job)
        watch.tick()
        assert watch.started_at == job.state.started_at
        assert find_job(connection, job.id).state.started_at == job.state.started_at
