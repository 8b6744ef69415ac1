"""What opening a store promises: it is made, brought up to date, and read without numpy."""

import contextlib
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from engine.errors import MachineError
from engine.store.database import connection_of, open_for_reading, open_for_writing, transaction
from engine.store.location import store_path
from engine.store.migrations import MIGRATIONS
from engine.store.models import all_models, save_model
from engine.store.profiles import save_profile
from tests.store.rows import KEY, MODEL, profile_rows


def test_an_absent_store_reads_as_an_empty_one_and_stays_absent(path):
    assert all_models(open_for_reading(path)) == ()
    assert not path.parent.exists()


def test_a_store_that_is_just_being_made_reads_as_empty(path):
    path.parent.mkdir()
    path.touch()
    assert all_models(open_for_reading(path)) == ()


@pytest.mark.usefixtures("db")
def test_a_reader_cannot_write(path):
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        open_for_reading(path).execute("DELETE FROM models")


def test_a_reader_sees_what_was_before_until_a_transaction_ends(db, path):
    reader = open_for_reading(path)
    with transaction(db):
        save_model(db, MODEL)
        assert all_models(reader) == ()
    assert all_models(reader) == (MODEL,)


def test_a_transaction_takes_all_that_is_saved_inside_or_nothing(db):
    with contextlib.suppress(ZeroDivisionError), transaction(db):
        save_model(db, MODEL)
        save_profile(db, KEY, profile_rows())
        raise ZeroDivisionError
    assert all_models(connection_of(db)) == ()


ADDED = {"0002_nickname": "ALTER TABLE models ADD COLUMN nickname TEXT; CREATE TABLE nicknames (name TEXT);"}


@pytest.mark.parametrize("opened", [lambda path: connection_of(open_for_writing(path)), open_for_reading])
def test_an_older_store_is_brought_up_to_date_with_what_it_holds(db, path, monkeypatch, opened):
    save_model(db, MODEL)
    db.close()
    monkeypatch.setattr("engine.store.connection.MIGRATIONS", MIGRATIONS | ADDED)
    monkeypatch.setattr("engine.store.migrations.MIGRATIONS", MIGRATIONS | ADDED)
    connection = opened(path)
    assert connection.rows("SELECT reference, nickname FROM models") == [(MODEL.reference, None)]
    assert connection.rows("SELECT * FROM nicknames") == []


def test_a_migration_that_fails_changes_nothing(db, path, monkeypatch):
    broken = {**ADDED, "0003_wrong": "CREATE TABLE fine (x TEXT); CREATE TABLE models (x TEXT);"}
    before = db.schema
    db.close()
    monkeypatch.setattr("engine.store.connection.MIGRATIONS", MIGRATIONS | broken)
    monkeypatch.setattr("engine.store.migrations.MIGRATIONS", MIGRATIONS | broken)
    with pytest.raises(MachineError, match="table models already exists"):
        open_for_writing(path)
    monkeypatch.undo()
    assert open_for_writing(path).schema == before


RELEASED = {
    "0001_measurements": (
        *("block_angles", "layer_histograms", "layer_statistics", "models", "neuron_order", "neuron_statistics"),
        *("neurons", "plans_used", "preview_results", "profile_keys", "profiles", "scores", "token_contexts"),
    ),
    "0002_jobs": ("jobs", "workers"),
    "0003_sweeps": ("plan_figures", "probe_results", "sweep_plans", "sweep_rankings", "sweeps"),
    "0004_begun_figures": ("begun_figures",),
    "0005_partial_results": ("partial_results",),
    "0006_job_setbacks": (),
    "0007_job_pace": (),
    "0008_samples": ("base_checks", "samples"),
    "0009_splits": (),
    "0010_plain_names": ("measurement_keys", "neuron_ranks", "plan_measurements", "plans"),
    "0011_comparisons": ("comparisons", "tensor_differences", "unpaired_tensors"),
}
"""The tables that each migration brought."""


def test_a_migration_is_never_edited():
    """What is released stays, or stores that have it would lack what was written into it later; a change is another
    migration."""
    released = sqlite3.connect(":memory:")
    known = {"sqlite_sequence"}
    for name, tables in RELEASED.items():
        released.executescript(MIGRATIONS[name])
        found = {row[0] for row in released.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")}
        assert found - known == set(tables)
        known |= found
    assert MIGRATIONS.keys() == RELEASED.keys()
    columns = [row[1] for row in released.execute("PRAGMA table_info(scores)")]
    assert columns == ["key_id", "metric", "start_layer", "end_layer", "value", "standard_error"]


READS = """
import json, sys
from pathlib import Path
from engine.store import models, neurons, previews, profiles, scores
from engine.store.database import open_for_reading
from tests.store.rows import KEY
reader = open_for_reading(Path(sys.argv[1]))
(model,) = models.all_models(reader)
(profile,) = profiles.profiles_of(reader, model.fingerprint)
assert profiles.find_layers(reader, profile.key) and profiles.find_angles(reader, profile.key)
assert profiles.find_histograms(reader, profile.key) and neurons.neuron_page(reader, profile.key)
previews.all_plans(reader), previews.all_previews(reader), scores.scored_metrics(reader, profile.key)
print(*{"numpy", "sqlite_utils", "torch", "transformers", "pandas"} & sys.modules.keys())
"""


def test_reading_loads_neither_sqlite_utils_nor_numpy(db, path):
    save_model(db, MODEL)
    save_profile(db, KEY, profile_rows())
    command = [sys.executable, "-c", READS, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert done.stdout.split() == []


def test_the_store_is_where_it_is_asked_for(monkeypatch, tmp_path):
    monkeypatch.setenv("DLEC_HOME", str(tmp_path / "variable"))
    assert store_path(tmp_path / "argument") == tmp_path / "argument" / "dlec.sqlite"
    assert store_path() == tmp_path / "variable" / "dlec.sqlite"
    monkeypatch.setenv("DLEC_HOME", "")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert store_path().parent.name == "dlec"
