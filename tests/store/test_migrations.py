"""Stores of every earlier version are brought up to date with everything that they hold."""

import json
import sqlite3
from array import array
from contextlib import closing

import pytest
from sqlite_utils import Database

from engine.store.connection import connect
from engine.store.database import open_for_jobs, open_for_reading
from engine.store.floats import packed
from engine.store.job_states import Done, Failed, Held, Progress, Running, Stop, Waiting
from engine.store.jobs import Setbacks, jobs_in
from engine.store.keys import MeasurementKey
from engine.store.migrations import MIGRATIONS, migrations
from engine.store.models import ModelRow, all_models
from engine.store.neurons import NeuronOrder, NeuronStatistics, neuron_page
from engine.store.plan_measurements import find_measurements, find_partial, find_probes
from engine.store.previews import PlanUsed, all_plans, all_previews
from engine.store.profiles import find_angles, find_histograms, find_layers, profiles_of
from engine.store.samples import find_base_check, find_sample
from engine.store.scores import Score, find_scores
from engine.store.sweeps import all_sweeps, find_by_chance, find_cost, find_rankings, find_sweep
from engine.store.union import unite
from engine.store.workers import all_workers

NAMES = list(MIGRATIONS)
NLL = f"X'{packed(array('f', [1.5, 2.5])).hex()}'"
START, END = "'2026-05-09 07:35:00.000'", "'2026-05-09 07:36:00.000'"
JOBS = {
    ("waiting", "attempts"): "0",
    ("held", "held_reason, held_behind"): "'the disk was full', 1",
    ("running", "worker_id, started_at, done, total, doing, stop"): f"5, {START}, 1, 2, 'copying', 'keep'",
    ("done", "started_at, ended_at, result"): f'{START}, {END}, \'{{"out": "/out"}}\'',
    ("failed", "started_at, ended_at, error"): f'{START}, {END}, \'{{"what": "no"}}\'',
}
"""State and its columns, to their values."""
JOB_COLUMNS = "uuid, task, request, inputs, title, slot, priority, position, submitted_at, state"
ROWS = {
    "0001_measurements": """
        INSERT INTO models VALUES ('f00d', 'models/tiny', 'llama', 4, 32, 12345, 24690);
        INSERT INTO profile_keys VALUES (1, 'f00d', 'c0de', '7e47', 'choosing', 4096, 256, 'float32', 'torch 2');
        INSERT INTO profile_keys VALUES (2, 'f00d', 'c0de', '7e47', 'judging', 4096, 256, 'float32', 'torch 2');
        INSERT INTO profiles VALUES (1, '2026-05-09 07:35:25');
        INSERT INTO layer_statistics VALUES (1, 0, 0.5, 0.25, 2.0, NULL);
        INSERT INTO block_angles VALUES (1, 0, 2, 0.5);
        INSERT INTO layer_histograms VALUES (1, 0, -1.0, 1.0, '[1, 2, 3]');
        INSERT INTO neuron_statistics VALUES (1, 0, 0, 0, 9, 0.5, 0.25, -2.0, 3, 7, 0.75);
        INSERT INTO token_contexts VALUES (1, 3, 7, 'the context');
        INSERT INTO neuron_order VALUES (1, 0, 0, 0, 0, 0, 0);
        INSERT INTO scores VALUES (1, 'second_pass', 0, 1, 0.5, NULL);
        INSERT INTO preview_results VALUES
            ('a1', 2, 3.0, 3.5, 0.5, 0.1, 0.3, 0.7, 0.2, 0.9, 4080, 16, '2026-05-09 07:35:25');
        INSERT INTO plans_used VALUES ('a1', 'slices: []', 'a reason', '2026-05-09 07:35:25');""",
    "0002_jobs": f"INSERT INTO workers VALUES (5, 'cpu', 'node7', 'boot', '/a/lock', 4711, {START}, {START});"
    + "".join(
        f"INSERT INTO jobs ({JOB_COLUMNS}, {columns}) VALUES "
        f"('u{number}', 'merge', '{{}}', '{{}}', 'a title', 'cpu', 0, {number}, {START}, '{state}', {values});"
        for number, ((state, columns), values) in enumerate(JOBS.items())
    ),
    "0003_sweeps": f"""
        INSERT INTO plan_figures VALUES
            (1, '0-4', 2.5, 0.5, 0.25, 0.0, 1.0, 0.125, 0.25, 0.5, 2, 1, {NLL}, '2026-05-09 07:35:25');
        INSERT INTO probe_results VALUES (1, '0-4', 2, '10', {NLL}, '2026-05-09 07:35:25');
        INSERT INTO sweeps VALUES (1, '5eed', 'models/tiny', 'blocks', 'a text', 1, 2, NULL, NULL, 1, 1, 0,
            '2026-05-09 07:35:25', '2026-05-09 07:45:25', '{{"layer_forwards": 7}}');
        INSERT INTO sweep_plans VALUES (1, 0, '0:1', '0-4', 'slices: []', 0, 1, 1.0, NULL, 0.5, 0.25);
        INSERT INTO sweep_rankings VALUES (1, 'second_pass', 1, 4, 0.5);""",
    "0004_begun_figures": f"INSERT INTO begun_figures VALUES (1, '0-4 2-4', {NLL}, {NLL}, {NLL});",
    "0005_partial_results": f"""
        INSERT INTO partial_results VALUES (1, '0-4 1-4', 0, 2, {NLL}, {NLL}, {NLL});
        UPDATE sweeps SET by_chance = '{{"delta": -0.5}}';""",
    "0006_job_setbacks": "UPDATE jobs SET setbacks = 2, furthest = 1 WHERE state = 'running';",
    "0007_job_pace": "UPDATE jobs SET per_second = 0.5 WHERE state = 'running';",
    "0008_samples": """
        INSERT INTO samples VALUES (1, 16, 4080, 12, 33, '<s>', '["a note"]');
        INSERT INTO base_checks VALUES (1, 7.5, '<s>', '', 3.0, 3.5, 256, NULL, 2.75);
        UPDATE preview_results SET plan_not_finite = 3;""",
}
"""SQL of rows that a store may hold from this version on."""

KEY = MeasurementKey("f00d", "c0de", "7e47", "selection", 4096, 256, "float32", "torch 2")


@pytest.fixture(params=NAMES)
def old(request, path):
    """The number of migrations that a store at `path` has, with something in each of its tables."""
    path.parent.mkdir(parents=True)
    number = NAMES.index(request.param) + 1
    with closing(connect(path, "rwc")) as connection:
        db = Database(connection, execute_plugins=False)
        for at in range(number):
            migrations().apply(db, stop_before=NAMES[at + 1 :])
            connection.executescript(ROWS.get(NAMES[at], ""))
    return number


def since(number, name):
    return number >= NAMES.index(name) + 1


@pytest.mark.parametrize("opened", [open_for_reading, open_for_jobs])
def test_every_row_of_an_older_store_is_found_by_this_version(old, path, opened):
    with closing(opened(path)) as store:
        assert store.rows("PRAGMA foreign_key_check") == []
        assert_measurements_are_found(store, old)
        if since(old, "0002_jobs"):
            assert_jobs_are_found(store, old)
        if since(old, "0003_sweeps"):
            assert_sweeps_are_found(store, old)


def assert_measurements_are_found(store, old):
    assert all_models(store) == (ModelRow("f00d", "models/tiny", "llama", 4, 32, 12345, 24690),)
    [profile] = profiles_of(store, "f00d")
    assert (profile.key, profile.measured_at) == (KEY, "2026-05-09 07:35:25")
    assert [layer.block_influence for layer in find_layers(store, KEY)] == [0.5]
    assert [angle.angular_distance for angle in find_angles(store, KEY)] == [0.5]
    assert [histogram.counts for histogram in find_histograms(store, KEY)] == [(1, 2, 3)]
    neuron = NeuronStatistics(0, 0, 9, 0.5, 0.25, -2.0, 3, 7, "the context", 0.75)
    assert [neuron_page(store, KEY, order) for order in NeuronOrder] == [(neuron,)] * len(NeuronOrder)
    assert find_scores(store, KEY, "second_pass") == (Score("second_pass", 0, 1, 0.5, None),)
    assert all_plans(store) == (PlanUsed("a1", "slices: []", "a reason"),)
    [preview] = all_previews(store)
    assert (preview.delta_nll, preview.plan_not_finite) == (0.5, 3 if since(old, "0008_samples") else 0)
    if since(old, "0008_samples"):
        assert find_sample(store, KEY).notes == ("a note",)
        assert (find_base_check(store, KEY).own_prefix, find_base_check(store, KEY).other_nll) == ("<s>", 3.5)


def assert_jobs_are_found(store, old):
    waiting, held, running, done, failed = (job.state for job in jobs_in(store))
    assert waiting == Waiting()
    assert held == Held("the disk was full", 1)
    assert isinstance(running, Running)
    per_second = 0.5 if since(old, "0007_job_pace") else None
    assert (running.worker, running.stop) == (5, Stop.KEEP)
    assert running.progress == Progress(1, 2, "copying", per_second)
    assert isinstance(done, Done)
    assert done.result == {"out": "/out"}
    assert isinstance(failed, Failed)
    assert failed.error["what"] == "no"
    [job] = jobs_in(store, Running)
    assert job.setbacks == (Setbacks(2, 1) if since(old, "0006_job_setbacks") else Setbacks())
    [worker] = all_workers(store)
    assert (worker.lock_file, worker.heartbeat_at.minute) == ("/a/lock", 35)


def assert_sweeps_are_found(store, old):
    assert find_measurements(store, KEY, ["0-4"])["0-4"].token_nll.tolist() == [1.5, 2.5]
    assert find_probes(store, KEY)["0-4"].correct == (True, False)
    [sweep] = all_sweeps(store)
    assert (sweep.started_at, sweep.finished_at) == ("2026-05-09 07:35:25", "2026-05-09 07:45:25")
    assert [plan.name for plan in find_sweep(store, 1).plans] == ["0:1"]
    assert find_cost(store, 1) == {"layer_forwards": 7}
    assert [ranking.spearman for ranking in find_rankings(store, 1)] == [0.5]
    partial = find_partial(store, KEY, ["0-4 1-4", "0-4 2-4"])
    assert list(partial) == (["0-4 1-4"] if since(old, "0005_partial_results") else [])
    assert find_by_chance(store, 1) == ({"delta": -0.5} if since(old, "0005_partial_results") else None)


def tables(path):
    """Columns, constraints and indexes of every table, comments and spelling left out."""
    with closing(sqlite3.connect(path)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        facts = ("table_info", "foreign_key_list", "index_list")
        return {name: [connection.execute(f"PRAGMA {fact}({name})").fetchall() for fact in facts] for name in names}


@pytest.mark.slow
@pytest.mark.usefixtures("old")
def test_a_migrated_store_has_the_tables_of_a_new_one(path, tmp_path):
    new = tmp_path / "new" / "dlec.sqlite"
    for each in (path, new):
        open_for_jobs(each).close()
    assert tables(path) == tables(new)


@pytest.mark.slow
@pytest.mark.usefixtures("old")
def test_a_migrated_store_can_be_merged_into_a_new_one(path, tmp_path):
    open_for_jobs(path).close()
    new = tmp_path / "new" / "dlec.sqlite"
    first, second = unite(new, path), unite(new, path)
    assert all(tally.known == 0 for tally in first.tallies.values())
    assert {kind: tally.known for kind, tally in second.tallies.items()} == {
        kind: tally.new for kind, tally in first.tallies.items()
    }


def test_migrations_are_numbered_in_the_order_in_which_they_are_applied():
    numbers = [int(name.partition("_")[0]) for name in NAMES]
    assert numbers == sorted(set(numbers))


def test_checks_of_a_job_hold_under_the_new_names(path):
    with closing(open_for_jobs(path)) as store, pytest.raises(sqlite3.IntegrityError):
        store.execute(
            "INSERT INTO jobs (uuid, task, request, inputs, title, slot, priority, position, submitted_at, "
            f"requested_stop) VALUES ('u', 'merge', '{json.dumps({})}', '{{}}', '', 'cpu', 0, 0, '', 'perhaps')"
        )
