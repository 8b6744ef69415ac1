"""What uniting homes promises: jobs keep their logs, and a source that cannot be united stops it in good order."""

import os
import sqlite3
from contextlib import closing

import pytest

from engine.errors import MachineError, UsageError
from engine.jobs.logs import job_log, logs_directory
from engine.jobs.store_dirs import merge_store_dirs
from engine.store.job_states import Waiting
from engine.store.union import Kind, Tally
from tests.store.filled import ENDED_STATES, add_jobs, contents

DONE, FAILED, CANCELLED = ENDED_STATES


@pytest.fixture
def target(tmp_path):
    """A home with jobs 1 and 2."""
    path = tmp_path / "here" / "dlec.sqlite"
    add_jobs(path, {"mine": Waiting(), "mine too": Waiting()})
    return path


@pytest.fixture
def source_of(tmp_path):
    """Makes a home whose job 1 is done, 2 waits, 3 has failed, and 4 was cancelled before it began."""

    def made(name):
        path = tmp_path / name / "dlec.sqlite"
        job_ids = add_jobs(path, {"done": DONE, "waits": Waiting(), "failed": FAILED, "cancelled": CANCELLED})
        logs_directory(path).mkdir()
        for job_id in job_ids[:3]:
            job_log(path, job_id).write_text(f"job {job_id} of {name}\n")
        return path

    return made


def logs_in(store):
    return {file.name: file.read_text() for file in logs_directory(store).iterdir()}


def test_jobs_bring_their_logs_under_their_new_numbers(target, source_of):
    merge_store_dirs(target, [source_of("a"), source_of("b")])
    assert logs_in(target) == {
        "job-3.log": "job 1 of a\n",
        "job-4.log": "job 3 of a\n",
        "job-6.log": "job 1 of b\n",
        "job-7.log": "job 3 of b\n",
    }


def test_uniting_again_keeps_logs_and_brings_those_that_are_missing(target, source_of):
    source = source_of("a")
    merge_store_dirs(target, [source])
    job_log(target, 3).write_text("continued here\n")
    job_log(target, 4).unlink()
    (again,) = merge_store_dirs(target, [source])
    assert again.tallies[Kind.JOB] == Tally(new=0, known=3)
    assert logs_in(target) == {"job-3.log": "continued here\n", "job-4.log": "job 3 of a\n"}


def test_a_log_that_cannot_be_read_is_named_and_comes_along_later(target, source_of):
    source = source_of("a")
    log = job_log(source, 3)
    log.unlink()
    os.mkfifo(log)
    with pytest.raises(MachineError, match=f"(?s){log} cannot be copied .*not a regular file.*Run the command again"):
        merge_store_dirs(target, [source])
    log.unlink()
    log.write_text("readable\n")
    merge_store_dirs(target, [source])
    assert logs_in(target) == {"job-3.log": "job 1 of a\n", "job-4.log": "readable\n"}


def test_a_source_that_is_seen_to_be_wrong_stops_all_before_anything_is_written(target, source_of, tmp_path):
    before = contents(target)
    with pytest.raises(UsageError, match="cannot be merged into itself"):
        merge_store_dirs(target, [source_of("a"), target])
    with pytest.raises(UsageError, match="gone is not a store"):
        merge_store_dirs(target, [source_of("b"), tmp_path / "gone"])
    assert contents(target) == before


def test_a_source_that_turns_out_to_be_damaged_is_named_with_those_done_before(target, source_of):
    a, b, c = map(source_of, "abc")
    with closing(sqlite3.connect(b)) as connection:
        connection.execute("DROP TABLE neuron_ranks")
    with pytest.raises(MachineError, match=f"(?s){b} is damaged.*Merged before the error: {a.parent}[.]"):
        merge_store_dirs(target, [a, b, c])
    assert sorted(logs_in(target)) == ["job-3.log", "job-4.log"]


def test_how_far_it_is_is_reported(target, source_of):
    a, b = map(source_of, "ab")
    said = []
    merge_store_dirs(target, [a, b], lambda *progress: said.append(progress))
    assert said == [(0, 2, str(a.parent)), (1, 2, str(b.parent))]
