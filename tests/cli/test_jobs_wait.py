"""`dlec jobs wait`."""

import json
from contextlib import closing

import pytest

from dlec_tui.cli import jobs_wait
from engine.jobs.liveness import held
from engine.jobs.queue import hold
from engine.store.database import open_for_jobs
from engine.store.job_states import Cancelled, Done, Held, Waiting, now
from engine.store.workers import remove_worker
from tests.jobs.states import failed, put, run_by, spec
from tests.jobs.workplace import Workplace


@pytest.fixture
def place(tmp_path):
    """The home that `dlec` uses."""
    place = Workplace(tmp_path / "store")
    yield place
    place.end()


def done():
    return Done(now(), now(), {})


@pytest.mark.parametrize(
    ("states", "code"),
    [
        ([], 0),
        ([done], 0),
        ([done, lambda: Cancelled(now())], 5),
        ([lambda: Cancelled(now()), failed, done], 4),
        ([lambda: Held("on request"), done], 75),
        ([lambda: Held("on request"), lambda: Cancelled(now())], 5),
    ],
)
def test_the_exit_code_is_that_of_the_worst_job(dlec, place, states, code):
    ids = []
    for state in states:
        ids.append(place.submit(spec()))
        put(place, ids[-1], state())
    assert dlec("jobs", "wait", *ids).exit_code == code


def test_it_reports_how_each_job_ended(dlec, place):
    good, bad = place.submit(spec("one"), spec("two"))
    put(place, good, done())
    put(place, bad, failed())
    result = dlec("jobs", "wait", bad, good, good)
    assert result.stdout == (
        f"job {bad} failed: two\n    out cannot be written: the disk is full\njob {good} done, took 0.0 s: one\n"
    )
    assert [row["state"] for row in json.loads(dlec("jobs", "wait", bad, good, "--json").stdout)] == ["failed", "done"]


def test_when_the_time_is_over_work_is_left(dlec, place):
    place.submit(spec("one"))
    result = dlec("jobs", "wait", "--timeout", "0.1")
    assert result.exit_code == 75
    assert result.stdout == "job 1 waiting: one\n    no worker for cpu is running: dlec jobs start\n"
    assert result.stderr == "1 job waiting, but no worker running: dlec jobs start\n"


def test_without_an_id_it_waits_for_all_that_have_not_ended(dlec, place):
    bad, held_one = place.submit(spec(), spec())
    put(place, bad, failed())
    hold(place.store, held_one)
    assert [row["id"] for row in json.loads(dlec("jobs", "wait", "--json").stdout)] == [held_one]


def between_looks(monkeypatch, *events):
    """Let one event happen between each two looks at the jobs."""
    coming = iter(events)
    monkeypatch.setattr(jobs_wait.time, "sleep", lambda _seconds: next(coming)())


def test_it_looks_until_the_job_has_ended(dlec, place, tmp_path, monkeypatch):
    job_id = place.submit(spec())
    with held(tmp_path / "lock") as lock:
        between_looks(
            monkeypatch, lambda: None, lambda: run_by(place, job_id, lock.path), lambda: put(place, job_id, done())
        )
        result = dlec("jobs", "wait")
    assert result.exit_code == 0
    assert result.stderr.count("no worker running") == 1


def test_a_job_whose_worker_was_stopped_is_unfinished_work(dlec, place, tmp_path, monkeypatch):
    job_id = place.submit(spec())

    def put_back():
        put(place, job_id, Waiting())
        with closing(open_for_jobs(place.store)) as connection:
            remove_worker(connection, worker)

    with held(tmp_path / "lock") as lock:
        worker = run_by(place, job_id, lock.path)
        between_looks(monkeypatch, put_back)
        assert dlec("jobs", "wait", job_id).exit_code == 75


def test_a_job_that_another_worker_can_go_on_with_is_waited_for(dlec, place, tmp_path, monkeypatch):
    job_id = place.submit(spec())
    with held(tmp_path / "lock") as lock:
        run_by(place, job_id, lock.path)
        events = [lambda: put(place, job_id, Waiting()), lambda: put(place, job_id, done())]
        between_looks(monkeypatch, *events)
        assert dlec("jobs", "wait", job_id).exit_code == 0


def test_a_job_whose_worker_died_is_work_left(dlec, place, tmp_path):
    (tmp_path / "lock").touch()
    job_id = place.submit(spec())
    run_by(place, job_id, tmp_path / "lock")
    result = dlec("jobs", "wait")
    assert result.exit_code == 75
    assert "its worker (process 4711) has died: dlec jobs start" in result.stdout


def test_waiting_is_interrupted_like_anything_else(dlec, place, monkeypatch):
    def interrupt():
        raise KeyboardInterrupt

    place.submit(spec())
    between_looks(monkeypatch, interrupt)
    assert dlec("jobs", "wait").exit_code == 130
