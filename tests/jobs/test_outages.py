"""A worker outlives what goes wrong with its store."""

import shutil
import sqlite3
from contextlib import closing

import pytest

from engine.errors import MachineError
from engine.jobs import worker as room
from engine.jobs.heartbeat import registered
from engine.jobs.queue import submit
from engine.jobs.slots import Slot
from engine.jobs.store_access import StoreAccess
from engine.jobs.worker import Outcome, work
from engine.store.job_states import Done
from engine.store.jobs import JobSpec, jobs_in
from engine.store.workers import all_workers

TROUBLES = [
    MachineError("the store is locked"),
    MachineError("the store cannot be written"),
    sqlite3.IntegrityError("FOREIGN KEY constraint failed"),
    RuntimeError("a defect"),
]


@pytest.fixture
def impatient(monkeypatch):
    """Nothing is waited for, and the tests' own process keeps its priority."""
    monkeypatch.setattr(room, "RETRY_SECONDS", 0.0)
    monkeypatch.setattr(room, "lower_priority", lambda: None)


def failing(function, *errors):
    """A function that raises these, one at each call, and then does its work."""
    rest = list(errors)

    def replaced(*arguments):
        if rest:
            raise rest.pop(0)
        return function(*arguments)

    return replaced


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("error", TROUBLES, ids=str)
def test_an_idle_worker_waits_until_the_store_can_be_used_again(place, monkeypatch, capfd, error):
    monkeypatch.setattr(room, "claim", failing(room.claim, error, error))
    assert work(place.store, Slot(), idle_seconds=0) is Outcome.NOTHING_LEFT
    said = capfd.readouterr().err
    assert str(error) in said
    assert said.count("Retrying until it works.") == said.count("Works again.") == 1


@pytest.fixture
def verify(tiny_llama):
    return JobSpec("verify", {"directory": str(tiny_llama), "load_check": False}, "verify", {})


@pytest.mark.usefixtures("impatient")
def test_how_a_job_ended_is_written_when_the_store_can_be_used_again(place, monkeypatch, verify):
    job_id = place.submit(verify)
    error = MachineError("the store is locked")
    monkeypatch.setattr(room, "settle", failing(room.settle, error, error))
    work(place.store, Slot(), idle_seconds=0)
    assert isinstance(place.job(job_id).state, Done)
    assert place.job(job_id).attempts == 1


@pytest.mark.usefixtures("impatient")
def test_a_job_whose_end_no_store_would_take_has_failed_and_the_next_one_runs(place, monkeypatch, verify):
    bad, good = place.submit(verify, verify)
    monkeypatch.setattr(room, "settle", failing(room.settle, OverflowError("int too large")))
    work(place.store, Slot(), idle_seconds=0)
    assert place.job(bad).state.error["what"] == "the result of verify cannot be stored"
    assert isinstance(place.job(good).state, Done)


@pytest.mark.usefixtures("impatient")
def test_a_job_that_an_error_left_behind_is_not_running_for_ever(place, monkeypatch, verify):
    """Whatever comes between its claim and its end."""
    job_id = place.submit(verify)
    monkeypatch.setattr(room, "attempt", failing(room.attempt, RuntimeError("a defect of the worker")))
    work(place.store, Slot(), idle_seconds=0)
    assert isinstance(place.job(job_id).state, Done)
    assert place.job(job_id).attempts == 2


@pytest.mark.usefixtures("impatient")
def test_trouble_that_lasts_too_long_ends_the_worker_with_its_reason(place, monkeypatch):
    monkeypatch.setattr(room, "PATIENCE_SECONDS", 0.2)
    monkeypatch.setattr(room, "claim", lambda *_: (_ for _ in ()).throw(MachineError("the disk is away")))
    with pytest.raises(MachineError, match="the disk is away"):
        work(place.store, Slot(), idle_seconds=0)


def test_a_store_that_is_away_is_opened_when_it_is_back_and_no_other_is_made_meanwhile(store, tmp_path):
    with StoreAccess(store) as access:
        with pytest.raises(MachineError), access.connection():
            raise MachineError("the disk is away")
        home = store.parent.rename(tmp_path / "unmounted")
        with pytest.raises(MachineError, match="it no longer exists"), access.connection():
            pass
        assert not store.parent.exists()
        home.rename(store.parent)
        with access.connection() as connection:
            assert all_workers(connection) == ()


def test_a_store_that_was_deleted_under_an_open_connection_is_noticed_at_once(store):
    """SQLite itself reads and writes on in a file that has no name any more."""
    with StoreAccess(store) as access, access.connection() as connection:
        assert all_workers(connection) == ()
        shutil.rmtree(store.parent)
        with pytest.raises(MachineError, match="it no longer exists"), access.connection():
            pass
        assert not store.parent.exists()


def test_a_store_that_was_replaced_is_named_once_and_then_used(store, tmp_path):
    other = tmp_path / "other" / "dlec.sqlite"
    submit(other, [JobSpec("verify", {}, "in the other one", {})])
    with StoreAccess(store) as access:
        store.parent.rename(tmp_path / "away")
        shutil.copytree(other.parent, store.parent)
        with pytest.raises(MachineError, match="was replaced"), access.connection():
            pass
        with access.connection() as connection:
            assert [job.spec.title for job in jobs_in(connection)] == ["in the other one"]


@pytest.mark.usefixtures("impatient")
def test_a_worker_does_the_jobs_of_the_store_that_has_taken_the_place_of_its_own(place, monkeypatch, verify, tmp_path):
    """As when a home is restored from a copy while a worker is idle."""
    other = tmp_path / "other" / "dlec.sqlite"
    [job_id] = submit(other, [verify])
    claim, calls = room.claim, []

    def replaced(*arguments):
        calls.append(arguments)
        if len(calls) == 1:
            shutil.rmtree(place.home / "locks")
            for file in place.home.glob("dlec.sqlite*"):
                file.unlink()
            shutil.copy(other, place.store)
        return claim(*arguments)

    monkeypatch.setattr(room, "claim", replaced)
    monkeypatch.setattr(room, "POLL_SECONDS", 0.0)
    work(place.store, Slot(), idle_seconds=2)
    assert isinstance(place.job(job_id).state, Done)


def test_a_worker_that_the_store_does_not_know_any_more_registers_anew(store):
    with StoreAccess(store) as access, registered(access, store, Slot()) as heartbeat:
        with closing(sqlite3.connect(store)) as connection:
            connection.execute("DELETE FROM workers")
            connection.commit()
        before = heartbeat.worker
        heartbeat.doubt()
        heartbeat.beat()
        with access.connection() as connection:
            assert [worker.id for worker in all_workers(connection)] == [heartbeat.worker]
        assert heartbeat.worker != before
