"""How a worker gets a job, how it lets go of it, and which others wait because of it."""

from contextlib import closing
from dataclasses import replace

import pytest

from engine.errors import DiskFullError, MachineError
from engine.jobs.attempt import PATIENCE_SECONDS, request_of
from engine.jobs.scheduling import blocked_by, claim, put_back, settle
from engine.jobs.slots import Slot
from engine.protocol import as_data
from engine.store.database import open_for_jobs
from engine.store.job_states import Done, Failed, Held, Running, Waiting, now
from engine.store.jobs import Job, JobSpec, add_job, change, find_job
from engine.store.workers import add_worker

MERGE = JobSpec("merge", {"plan": "a plan", "out": "/out"}, "a title", {}, batch="tonight")
PROFILE = JobSpec("profile", {"model": "/model", "device": "auto"}, "a title", {})


@pytest.fixture
def connection(store):
    with closing(open_for_jobs(store)) as connection:
        yield connection


@pytest.fixture
def worker(connection):
    return add_worker(connection, "cpu", "host", "boot", "/lock", 1)


def job_of(spec, job_id=1, attempts=1):
    return Job(job_id, "uuid", now(), attempts, spec, Waiting())


def failure(error):
    return Failed(now(), now(), as_data(error))


def test_what_is_claimed_is_nobody_elses(connection, worker):
    add_job(connection, PROFILE)
    job = claim(connection, worker, Slot())
    assert isinstance(job.state, Running)
    assert (job.state.worker, job.attempts) == (worker, 1)
    assert claim(connection, worker, Slot()) is None


def test_what_is_for_another_slot_is_left(connection, worker):
    add_job(connection, replace(PROFILE, slot="cuda"))
    assert claim(connection, worker, Slot()) is None
    assert claim(connection, worker, Slot((1,))) is not None


def test_what_was_taken_away_is_not_settled(connection, worker):
    add_job(connection, PROFILE)
    job = claim(connection, worker, Slot())
    assert change(connection, job, Waiting())
    assert not settle(connection, job, Done(now(), now(), {}))
    assert not put_back(connection, job)
    assert find_job(connection, job.id).state == Waiting()


@pytest.mark.parametrize(("spec", "attempts"), [(PROFILE, 0), (MERGE, 1)])
def test_what_is_put_back_counts_only_where_the_next_attempt_continues(connection, worker, spec, attempts):
    add_job(connection, spec)
    job = claim(connection, worker, Slot())
    assert put_back(connection, job)
    found = find_job(connection, job.id)
    assert (found.state, found.attempts) == (Waiting(), attempts)


def test_a_full_disk_holds_the_merges_of_the_batch(connection, worker):
    ids = [add_job(connection, spec) for spec in (MERGE, MERGE, replace(MERGE, batch="other"), PROFILE)]
    assert settle(connection, claim(connection, worker, Slot()), failure(DiskFullError("full")))
    held = Held("the disk was too full for job 1 of its batch", blocked_by=1)
    assert [find_job(connection, job_id).state for job_id in ids[1:]] == [held, Waiting(), Waiting()]


def test_another_failure_holds_nobody():
    others = [job_of(MERGE, 2)]
    assert list(blocked_by(job_of(MERGE), failure(MachineError("crashed")), others)) == []
    assert list(blocked_by(job_of(replace(MERGE, batch=None)), failure(DiskFullError("full")), others)) == []


def test_a_task_is_asked_to_use_the_device_of_the_slot():
    assert request_of(job_of(PROFILE), Slot((2,)))["device"] == "cuda:2"
    assert "device" not in request_of(job_of(MERGE), Slot())


def test_a_merge_that_was_begun_before_may_find_its_own_output():
    assert request_of(job_of(MERGE), Slot()) == MERGE.request
    again = {"patience": PATIENCE_SECONDS, "resumes": True}
    assert request_of(job_of(MERGE, attempts=2), Slot()) == {**MERGE.request, **again}
