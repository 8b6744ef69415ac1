"""Brings jobs into states without anybody doing the work."""

from contextlib import closing

from engine.hosts import this_host
from engine.store.database import open_for_jobs
from engine.store.job_states import Failed, Running, as_text, now
from engine.store.jobs import JobSpec, change, find_job
from engine.store.workers import add_worker

ERROR = {"kind": "MachineError", "what": "out cannot be written", "why": "the disk is full", "fix": "Make room."}


def spec(title="a job", task="profile", request=None, **how):
    return JobSpec(task, request or {"model": "m"}, title, **{"inputs": {"/models/m": "f00dcafe1234"}, **how})


def put(place, job_id, state):
    with closing(open_for_jobs(place.store)) as connection:
        assert change(connection, find_job(connection, job_id), state)


def failed(**error):
    return Failed(now(), now(), ERROR | error)


def run_by(place, job_id, lock, host=None, **state):
    """Have a worker begin a job: it lives if somebody holds the lock, and belongs to this machine unless told."""
    with closing(open_for_jobs(place.store)) as connection:
        worker = add_worker(connection, "cpu", host or this_host().name, this_host().boot, str(lock), 4711)
        running = Running(worker, state.pop("started_at", now()), **state)
        assert change(connection, find_job(connection, job_id), running)
        return worker


def seen(place, worker, moment):
    """Have a worker been heard of for the last time at `moment`."""
    with closing(open_for_jobs(place.store)) as connection:
        connection.execute("UPDATE workers SET heartbeat_at = ? WHERE id = ?", (as_text(moment), worker))
        connection.commit()
