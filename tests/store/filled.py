"""Stores with some of everything, as tests of uniting need them."""

from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime

from engine.store.connection import atomic
from engine.store.database import connection_of, open_for_jobs, open_for_writing, transaction
from engine.store.job_states import Cancelled, Done, Failed, Held, Running, Waiting
from engine.store.jobs import Order, add_job, change, find_job
from engine.store.models import save_model
from engine.store.plans import PlanUsed, save_plan
from engine.store.profiles import save_profile
from engine.store.results import PreviewResult, save_preview
from engine.store.scores import Score, save_scores
from engine.store.workers import add_worker
from tests.store.rows import KEY, MODEL, profile_rows

THEN = datetime(2026, 5, 9, 7, 35, tzinfo=UTC)
ENDED_STATES = (
    Done(THEN, THEN, {"out": "there"}),
    Failed(THEN, THEN, {"kind": "MachineError", "what": "the disk is full", "why": "", "fix": ""}),
    Cancelled(THEN),
)


def numbered(number):
    """A key of its own for each number."""
    return replace(KEY, tokens=number)


def score_of(number):
    return Score("second_pass", number, number + 1, number / 10, None)


def preview_of(number):
    return PreviewResult(f"plan {number}", numbered(number), 3.0, 3.5, 0.5, 0.1, 0.3, 0.7, 0.2, 0.9, 4080, 16)


def measure(path, numbers):
    """Save, for each number, a model, a profile, a score, a preview and a plan."""
    with closing(open_for_writing(path)) as db, transaction(db):
        for number in numbers:
            save_model(db, replace(MODEL, fingerprint=f"model {number}"))
            save_profile(db, numbered(number), profile_rows(layers=2, width=3 + number % 3))
            save_scores(db, numbered(number), [score_of(number)])
            save_preview(db, preview_of(number))
            save_plan(db, PlanUsed(f"plan {number}", "slices: []", ""))
    return path


def add_jobs(path, states):
    """Queue a job for each title and bring it into its state, `Running` in the hands of a worker. Gives their ids."""
    with closing(open_for_jobs(path)) as connection, atomic(connection):
        job_ids = [add_job(connection, Order("merge", {"plan": title}, title, {})) for title in states]
        for job_id, state in zip(job_ids, states.values(), strict=True):
            change(connection, find_job(connection, job_id), state)
        return job_ids


def running_in(path):
    """The state of a job that a worker of this store runs."""
    with closing(open_for_jobs(path)) as connection:
        return Running(add_worker(connection, "cpu", "host", "boot", "lock", 1), THEN)


def jobs_in_every_state(path):
    states = (*ENDED_STATES, Waiting(), Held("on request"), running_in(path))
    add_jobs(path, {f"job {number}": state for number, state in enumerate(states)})
    return path


def contents(path):
    """Every row of every table, ids included."""
    with closing(open_for_writing(path)) as db:
        return {table: list(connection_of(db).execute(f"SELECT * FROM {table}")) for table in sorted(db.table_names())}
