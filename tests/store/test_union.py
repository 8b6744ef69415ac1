"""What uniting two stores promises: all of the source or nothing, nothing twice, and what is here stays."""

import functools
import os
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import MachineError, UsageError
from engine.store.connection import connect
from engine.store.database import connection_of, open_for_jobs, open_for_reading, open_for_writing
from engine.store.job_states import Waiting
from engine.store.jobs import jobs_in
from engine.store.keys import KEY_COLUMNS
from engine.store.migrations import MIGRATIONS
from engine.store.neurons import NeuronOrder, neuron_page
from engine.store.previews import PlanUsed, all_plans, find_preview, save_plan
from engine.store.profiles import find_angles, find_histograms, find_layers, find_profile
from engine.store.scores import Score, find_scores, save_scores
from engine.store.union import Kind, Tally, unite
from tests.store.filled import (
    ENDED_STATES,
    add_jobs,
    contents,
    jobs_in_every_state,
    measure,
    numbered,
    preview_of,
    score_of,
)

MEASURED = tuple(kind for kind in Kind if kind is not Kind.JOB)


@pytest.fixture
def target(tmp_path):
    return tmp_path / "here" / "dlec.sqlite"


@pytest.fixture
def source(tmp_path):
    """A closed store with measurements 2, 3 and 4, and a job in every state."""
    return jobs_in_every_state(measure(tmp_path / "there" / "dlec.sqlite", [3, 4, 2]))


def everything_about(path, number):
    """What the store's own functions find under one key."""
    key = numbered(number)
    with closing(open_for_reading(path)) as reader:
        pages = [neuron_page(reader, key, order, descending=True) for order in NeuronOrder]
        lists = [find(reader, key) for find in (find_profile, find_layers, find_angles, find_histograms)]
        return [*lists, *pages, find_scores(reader, key, "second_pass"), find_preview(reader, f"plan {number}", key)]


def test_what_only_the_source_has_is_found_here_under_the_same_keys(target, source):
    measure(target, [1, 2])
    united = unite(target, source)
    assert {kind: united.tallies[kind] for kind in MEASURED} == dict.fromkeys(MEASURED, Tally(new=2, known=1))
    for number in (3, 4):
        assert everything_about(target, number) == everything_about(source, number)
    with closing(open_for_reading(target)) as reader:
        assert find_scores(reader, numbered(1), "second_pass") == (score_of(1),)
        assert find_preview(reader, "plan 3", numbered(3)) == preview_of(3)
        assert reader.rows("PRAGMA integrity_check") == [("ok",)]
        assert reader.rows("PRAGMA foreign_key_check") == []


def test_uniting_again_changes_nothing(target, source):
    unite(target, source)
    before = contents(target)
    again = unite(target, source)
    assert contents(target) == before
    assert {tally.new for tally in again.tallies.values()} == {0}
    assert again.tallies[Kind.PROFILE] == Tally(new=0, known=3)
    assert again.tallies[Kind.JOB] == Tally(new=0, known=len(ENDED_STATES))


def test_what_is_here_stays_as_it_is(target, source):
    measure(target, [1])
    different = Score("second_pass", 2, 3, 99.0, None)
    with closing(open_for_writing(target)) as db:
        save_scores(db, numbered(2), [different])
        save_plan(db, PlanUsed("plan 2", "slices: []", "because of the scores"))
    unite(target, source)
    with closing(open_for_reading(target)) as reader:
        assert find_scores(reader, numbered(2), "second_pass") == (different,)
        assert {plan.plan_sha256: plan.justification for plan in all_plans(reader)}["plan 2"] == "because of the scores"


def test_a_plan_gets_the_justification_that_it_lacks(target, source):
    measure(target, [2])
    with closing(open_for_writing(source)) as db:
        save_plan(db, PlanUsed("plan 2", "slices: []", "because of the scores"))
    unite(target, source)
    with closing(open_for_reading(target)) as reader:
        assert {plan.plan_sha256: plan.justification for plan in all_plans(reader)}["plan 2"] == "because of the scores"


def test_jobs_that_have_ended_come_along_and_the_others_stay(target, source):
    own = add_jobs(target, {"mine": Waiting(), "mine too": Waiting()})
    united = unite(target, source)
    assert united.unfinished_jobs == 3
    with closing(open_for_reading(source)) as there, closing(open_for_reading(target)) as here:
        theirs = {job.id: job for job in jobs_in(there)}
        ours = {job.id: job for job in jobs_in(here)}
        assert [job.id for job in jobs_in(here, Waiting)] == own
    assert sorted(united.job_ids.values()) == sorted(ours.keys() - own)
    for there, here in united.job_ids.items():
        assert replace(theirs[there], id=here) == ours[here]
    assert Counter(job.state_name for job in ours.values()) == {"done": 1, "failed": 1, "cancelled": 1, "waiting": 2}


def test_a_source_is_never_changed(target, source):
    before = source.read_bytes()
    unite(target, source)
    assert source.read_bytes() == before


def test_an_absent_store_is_made(target, source):
    unite(target, source)
    assert contents(target)["profiles"] == contents(source)["profiles"]


def test_a_source_that_somebody_writes_to_gives_what_was_finished(target, source):
    with closing(sqlite3.connect(source, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM scores")
        assert unite(target, source).tallies[Kind.SCORE] == Tally(new=3, known=0)


@pytest.mark.parametrize("begin", [lambda path: open_for_writing(path).close(), lambda path: path.touch()])
def test_an_empty_store_gives_nothing(target, tmp_path, begin):
    before = contents(jobs_in_every_state(measure(target, [1])))
    empty = tmp_path / "dlec.sqlite"
    begin(empty)
    united = unite(target, empty)
    assert set(united.tallies.values()) == {Tally(0, 0)}
    assert (united.unfinished_jobs, united.job_ids) == (0, {})
    assert contents(target) == before


# What is refused: the store is not even made.


def assert_refused(target, source, kind, *words):
    """With a message that names the source and says these words, and neither store touched."""
    before = source.read_bytes() if source.is_file() else None
    with pytest.raises(kind, match="(?s)" + ".*".join([str(source), *words])):
        unite(target, source)
    assert not target.parent.exists()
    assert before == (source.read_bytes() if source.is_file() else None)


def test_a_source_that_is_not_there_is_refused(target, tmp_path):
    assert_refused(target, tmp_path / "gone", UsageError, "is not a file")


def test_a_source_of_another_program_is_refused(target, tmp_path):
    with closing(sqlite3.connect(tmp_path / "songs")) as other:
        other.execute("CREATE TABLE songs (title TEXT)")
    assert_refused(target, tmp_path / "songs", MachineError, "another program")


def test_a_source_that_is_no_database_is_refused(target, tmp_path):
    (tmp_path / "text").write_text("no database at all" * 400)
    assert_refused(target, tmp_path / "text", MachineError, "is damaged")


def test_a_newer_source_is_refused(target, source):
    with closing(open_for_writing(source)) as db:
        db["_sqlite_migrations"].insert({"migration_set": "dlec", "name": "0099_future", "applied_at": "2099"})
    assert_refused(target, source, MachineError, "newer version", "0099_future")


def test_an_older_source_is_refused_with_how_to_bring_it_up_to_date(target, source, monkeypatch):
    later = MIGRATIONS | {"0099_nickname": "ALTER TABLE models ADD COLUMN nickname TEXT"}
    monkeypatch.setattr("engine.store.connection.MIGRATIONS", later)
    assert_refused(target, source, MachineError, "older version", f"dlec jobs list --home {source.parent}")


WRITE_AND_DIE = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA journal_mode = delete")
connection.execute("PRAGMA cache_size = 1")
connection.execute("BEGIN")
connection.execute("UPDATE neuron_statistics SET mean = 0")
connection.execute("UPDATE token_contexts SET context = hex(randomblob(4000))")
os._exit(0)
"""


def test_a_source_left_in_the_middle_of_a_write_is_refused_with_what_to_do(target, source):
    """With a rollback journal, as on networked file systems, only a writer can undo what another one began."""
    subprocess.run([sys.executable, "-c", WRITE_AND_DIE, str(source)], check=True)
    assert source.with_name("dlec.sqlite-journal").stat().st_size > 0
    assert_refused(target, source, MachineError, "killed while it wrote", "Open it once")


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_the_store_itself_is_refused_under_any_name(tmp_path, source, link):
    before = contents(source)
    link(source, tmp_path / "alias")
    for name in (source, tmp_path / "alias"):
        with pytest.raises(UsageError, match="cannot be merged into itself"):
            unite(source, name)
    assert contents(source) == before


def test_a_locked_source_is_waited_for_and_then_named(target, source, monkeypatch):
    monkeypatch.setattr("engine.store.union.connect", functools.partial(connect, busy_seconds=0.05))
    with closing(sqlite3.connect(source, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode = delete")
        writer.execute("BEGIN EXCLUSIVE")
        assert_refused(target, source, MachineError, "is locked", "Wait for it to finish")


# What fails later: the store is as it was.


def test_a_locked_target_is_named_and_stays_as_it_was(target, source, monkeypatch):
    before = contents(measure(target, [1]))
    monkeypatch.setattr("engine.store.union.open_for_jobs", functools.partial(open_for_jobs, busy_seconds=0.05))
    with closing(sqlite3.connect(target, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        with pytest.raises(MachineError, match=f"{target} is locked"):
            unite(target, source)
    assert contents(target) == before


def rewritten(path, sql):
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(sql)


def overwritten(path, offset, content):
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(content)


DAMAGE = {
    "cut off": lambda path: os.truncate(path, path.stat().st_size // 2),
    "its last pages lost": lambda path: overwritten(path, path.stat().st_size - 40_000, b"\xff" * 40_000),
    "without a table": lambda path: rewritten(path, "DROP TABLE neuron_ranks"),
    "without a column": lambda path: rewritten(path, "ALTER TABLE scores DROP COLUMN standard_error"),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_of_a_damaged_source_nothing_is_copied(target, source, damage):
    before = contents(measure(target, [1]))
    damage(source)
    with pytest.raises(MachineError, match=f"{source} is damaged"):
        unite(target, source)
    assert contents(target) == before


UNITE_AND_HANG = """
import sys, time
from pathlib import Path
import engine.store.union as union

original = union.open_for_jobs

def hang_at(statement):
    if statement.startswith(sys.argv[3]):
        print("there", flush=True)
        time.sleep(60)

def opened(path):
    connection = original(path)
    connection.set_trace_callback(hang_at)
    return connection

union.open_for_jobs = opened
union.unite(Path(sys.argv[1]), Path(sys.argv[2]))
"""


@pytest.mark.parametrize("statement", ["INSERT OR IGNORE INTO main.neuron_ranks", "INSERT INTO main.plans", "COMMIT"])
def test_a_kill_leaves_the_store_as_it_was_and_another_run_does_it_all(target, source, statement):
    before = contents(measure(target, [1, 2]))
    command = [sys.executable, "-c", UNITE_AND_HANG, str(target), str(source), statement]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])
    assert process.stdout.readline() == "there\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert contents(target) == before
    assert unite(target, source).tallies[Kind.PROFILE] == Tally(new=2, known=1)


# The order does not matter.

NUMBERS = st.lists(st.integers(1, 5), unique=True, max_size=4)


OWN = {
    *("id", "compared_at", "measured_at", "first_used_at", "submitted_at", "position", "applied_at"),
    *("started_at", "finished_at"),
}
"""Columns that each store gives by itself."""


def meaning_of(column):
    """A column without what each store gives by itself: keys and sweeps stand for their ids."""
    if column == "sweep_id":
        return "(SELECT sha256 FROM sweeps WHERE id = sweep_id)"
    if column == "comparison_id":
        return "(SELECT sha256 FROM comparisons WHERE id = comparison_id)"
    return (
        f"(SELECT {' || '.join(KEY_COLUMNS)} FROM measurement_keys WHERE id = {column})"
        if "key_id" in column
        else column
    )


def meanings(path):
    """Every row of every table."""
    found = {}
    with closing(open_for_writing(path)) as db:
        for table in sorted({*db.table_names()} - {"sqlite_sequence", "workers"}):
            shown = [meaning_of(column.name) for column in db[table].columns if column.name not in OWN]
            found[table] = sorted(connection_of(db).execute(f"SELECT {', '.join(shown)} FROM {table}"), key=repr)
    return found


def with_jobs(path, numbers):
    """Ended jobs that are the same ones wherever they have the same number."""
    add_jobs(path, {f"job {number}": ENDED_STATES[number % len(ENDED_STATES)] for number in numbers})
    rewritten(path, "UPDATE jobs SET uuid = title")
    return path


@pytest.mark.slow
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(one=NUMBERS, other=NUMBERS, one_jobs=NUMBERS, other_jobs=NUMBERS)
def test_the_order_of_uniting_does_not_matter(tmp_path_factory, one, other, one_jobs, other_jobs):
    place = tmp_path_factory.mktemp("stores")
    a = with_jobs(measure(place / "a" / "dlec.sqlite", one), one_jobs)
    b = with_jobs(measure(place / "b" / "dlec.sqlite", other), other_jobs)
    both = {*one, *other}
    whole = with_jobs(measure(place / "whole" / "dlec.sqlite", both), {*one_jobs, *other_jobs})
    for name, sources in (("ab", (a, b)), ("ba", (b, a))):
        target = place / name / "dlec.sqlite"
        for source in sources:
            unite(target, source)
        assert meanings(target) == meanings(whole)
