"""What becomes of the jobs of workers that died."""

import os
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from engine.hosts import this_host
from engine.jobs.liveness import held
from engine.jobs.recovery import recover, recovered, setbacks_of
from engine.jobs.scheduling import claim, settle
from engine.jobs.slots import Slot
from engine.store.database import open_for_jobs
from engine.store.job_states import Cancelled, Done, Failed, Progress, Running, Stop, Waiting, now
from engine.store.jobs import Job, JobSpec, Setbacks, add_job, ask_to_stop, change, find_job
from engine.store.workers import add_worker, all_workers


@pytest.fixture
def connection(store):
    with closing(open_for_jobs(store)) as connection:
        yield connection


def running(task="profile", attempts=1, stop=None):
    spec = JobSpec(task, {"out": "/nowhere/at/all"}, "a title", {})
    return Job(1, "uuid", now(), attempts, spec, Running(1, now(), None, stop))


def registered(connection, lock, host=None):
    place = this_host()
    return add_worker(connection, "cpu", host or place.name, place.boot, str(lock), os.getpid())


def begun(connection, worker, task="profile"):
    job = find_job(connection, add_job(connection, JobSpec(task, {"out": "/nowhere/at/all"}, "a title", {})))
    assert change(connection, job, Running(worker, now()))
    return job.id


def advanced(done, setbacks, task="merge", attempts=50):
    """A running job that is so far, and has had these setbacks."""
    return replace(running(task, attempts), state=Running(1, now(), Progress(done, 1000, "")), setbacks=setbacks)


@pytest.mark.parametrize("attempts", [1, 2, 50])
def test_a_merge_that_came_further_always_continues(attempts):
    assert recovered(running("merge", attempts), now()) == Waiting()
    assert recovered(advanced(101, Setbacks(2, 100)), now()) == Waiting()
    assert setbacks_of(advanced(101, Setbacks(2, 100))) == Setbacks(0, 101)


def test_a_merge_that_three_workers_brought_no_further_fails_with_the_reason():
    assert recovered(advanced(100, Setbacks(1, 100)), now()) == Waiting()
    state = recovered(advanced(100, Setbacks(2, 100)), now())
    assert isinstance(state, Failed)
    assert state.error["what"] == "merge was started 3 times in a row without progress"


def test_a_merge_that_kills_its_workers_is_begun_three_times_and_lets_the_others_go_first(connection, tmp_path):
    """With a profile behind it, which starved as long as the merge was begun again and again."""
    merge, other = (add_job(connection, JobSpec(task, {"out": "/nowhere"}, "", {})) for task in ("merge", "profile"))
    begun = []
    for _ in range(5):
        (tmp_path / "lock").touch()
        worker = registered(connection, tmp_path / "lock")
        if (job := claim(connection, worker, Slot())) is None:
            break
        begun.append(job.id)
        if job.id == other:
            assert settle(connection, job, Done(now(), now(), {}))
        recover(connection)
    assert begun == [merge, merge, other, merge]
    assert isinstance(find_job(connection, merge).state, Failed)


def test_another_task_is_tried_once_more():
    assert recovered(running(attempts=1), now()) == Waiting()


def test_what_killed_two_workers_fails_with_the_reason():
    moment = now()
    state = recovered(running(attempts=2), moment)
    assert isinstance(state, Failed)
    assert state.ended_at == moment
    assert state.error["what"] == "profile was started 2 times and never finished"
    assert "dlec jobs retry 1" in state.error["fix"]


@pytest.mark.parametrize("stop", Stop)
def test_a_wish_to_end_it_is_granted(stop):
    job, moment = running("merge", stop=stop), now()
    assert recovered(job, moment) == Cancelled(moment, job.state.started_at)


def test_the_dead_lose_their_jobs_their_rows_and_their_locks(connection, tmp_path):
    (tmp_path / "lock").touch()
    worker = registered(connection, tmp_path / "lock")
    ids = [begun(connection, worker), begun(connection, worker)]
    assert [(job.id, job.state) for job in recover(connection)] == [(job_id, Waiting()) for job_id in ids]
    assert all_workers(connection) == ()
    assert not (tmp_path / "lock").exists()
    assert recover(connection) == []


def test_the_living_and_the_foreign_keep_theirs(connection, tmp_path):
    (tmp_path / "their lock").touch()
    with held(tmp_path / "lock"):
        workers = (
            registered(connection, tmp_path / "lock"),
            registered(connection, tmp_path / "their lock", "elsewhere"),
        )
        ids = [begun(connection, worker) for worker in workers]
        assert recover(connection) == []
    assert [find_job(connection, job_id).state.worker for job_id in ids] == list(workers)


def test_the_partial_output_of_a_merge_that_was_to_end_goes_with_its_worker(connection, tmp_path):
    out, partial = tmp_path / "out", tmp_path / ".out.dlec-partial"
    (tmp_path / "lock").touch()
    (partial / "model").mkdir(parents=True)
    worker = registered(connection, tmp_path / "lock")
    job = find_job(connection, add_job(connection, JobSpec("merge", {"out": str(out)}, "a title", {})))
    assert change(connection, job, Running(worker, now()))
    ask_to_stop(connection, job.id, Stop.DISCARD)
    (found,) = recover(connection)
    assert isinstance(found.state, Cancelled)
    assert not Path(partial).exists()
