"""Stores with some of everything, as tests of uniting need them."""

from array import array
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime

from engine.store.comparisons import Comparison, ComparisonKey, TensorDifference, UnpairedTensor, save_comparison
from engine.store.connection import atomic
from engine.store.database import connection_of, open_for_jobs, open_for_writing, transaction
from engine.store.job_states import Cancelled, Done, Failed, Held, Running, Waiting
from engine.store.jobs import JobSpec, add_job, change, find_job
from engine.store.models import save_model
from engine.store.plan_measurements import PROBE, PlanMeasurement, ProbeResult, save_measurement, save_probe
from engine.store.previews import PlanUsed, PreviewResult, save_plan, save_preview
from engine.store.profiles import save_profile
from engine.store.samples import BaseCheck, SampleRow, save_base_check, save_sample
from engine.store.scores import Score, save_scores
from engine.store.sweeps import Ranking, StoredPlan, StoredSweep, finish_sweep, save_rankings, save_sweep, save_verdicts
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


CHECK = BaseCheck(7.5, "<s>", "", 3.0, 3.5, 256, 3.0, 2.8)


def preview_of(number):
    figures = (3.0, 3.5, 0.5, 0.1, 0.3, 0.7, 0.2, 0.9, 4080, 16)
    return PreviewResult(f"plan {number}", numbered(number), *figures, check=CHECK)


def figures_of(number):
    nll = array("f", [number, number + 0.5, 2.0, 2.5])
    return PlanMeasurement(f"0-{number}", 2.5, 0.5, 0.25, 0.0, 1.0, 0.125, 0.25, 0.5, 2, nll)


def answers_of(number):
    return ProbeResult(f"0-{number}", (True, False, number % 2 == 0), array("f", [-1.5, -2.0, -0.5]))


def probe_key(number):
    return replace(numbered(number), split=PROBE)


def sweep_of(number):
    """Its keys are those of one split, the other, and a probe."""
    heldout = replace(numbered(number), split="heldout")
    plans = (
        StoredPlan("0:1", f"0-{number}", "slices: []", 0, 1, 1.0),
        StoredPlan("times=2", "0-1 0-1*0.5", "slices: [1]", None, None, 0.5, 16),
    )
    asked = (f"sweep {number}", "models/tiny", "two plans", "a text", numbered(number), heldout)
    return StoredSweep(*asked, plans, 1, True, probe_key(number), "probe.jsonl")


def save_whole_sweep(db, number):
    save_measurement(db, numbered(number), figures_of(number))
    save_probe(db, probe_key(number), answers_of(number))
    sweep_id = save_sweep(db, sweep_of(number))
    save_verdicts(db, sweep_id, [0.5, None], [number / 10, None])
    save_rankings(db, sweep_id, [Ranking("second_pass", 1, 4, 0.5)])
    finish_sweep(db, sweep_id, {"layer_forwards": number})


def comparison_of(number):
    key = ComparisonKey(f"comparison {number}", "files")
    names = (f"a {number}", f"b {number}", f"model {number}", "b", "position", "both have 2 layers")
    tensor = TensorDifference("t", "t", 0, 0, "q", "", 4, 0.5, 2.0, 1.0, 3.0, 0.9, 0.25, 0.0, 1.0, 1.0)
    return Comparison(key, *names, 2, (tensor,), (UnpairedTensor("u", "a", "B has no such tensor"),))


def measure(path, numbers):
    """Save, for each number, a model, and one of everything that is measured of it."""
    with closing(open_for_writing(path)) as db, transaction(db):
        for number in numbers:
            save_model(db, replace(MODEL, fingerprint=f"model {number}"))
            save_profile(db, numbered(number), profile_rows(layers=2, width=3 + number % 3))
            save_scores(db, numbered(number), [score_of(number)])
            save_sample(db, numbered(number), SampleRow(16, 4080, 16, 33, "<s>", (f"note {number}",)))
            save_base_check(db, numbered(number), CHECK)
            save_preview(db, preview_of(number))
            save_plan(db, PlanUsed(f"plan {number}", "slices: []", ""))
            save_whole_sweep(db, number)
            save_comparison(db, comparison_of(number))
    return path


def add_jobs(path, states):
    """Queue a job for each title and bring it into its state, `Running` in the hands of a worker. Gives their ids."""
    with closing(open_for_jobs(path)) as connection, atomic(connection):
        job_ids = [add_job(connection, JobSpec("merge", {"plan": title}, title, {})) for title in states]
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
