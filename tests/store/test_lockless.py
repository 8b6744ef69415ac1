"""The store on a file system without locks: processes take turns, and a killed one keeps nobody out."""

import errno
import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from engine.errors import MachineError
from engine.store.connection import atomic, turn_file
from engine.store.database import open_for_jobs, open_for_reading
from engine.store.job_states import Cancelled, now
from engine.store.jobs import JobSpec, add_job, change, find_job, jobs_in
from engine.store.union import unite
from tests.lockless import lockless_environment, refuse_locks

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
COUNTED = 8

WRITER = f"""
import sys
from contextlib import closing
from pathlib import Path
from engine.store.connection import atomic
from engine.store.database import open_for_jobs, open_for_reading
from engine.store.jobs import JobSpec, add_job, jobs_in
for number in range({COUNTED}):
    with closing(open_for_jobs(Path(sys.argv[1]))) as connection, atomic(connection):
        before = len(jobs_in(connection))
        add_job(connection, JobSpec("profile", {{}}, str(before), {{}}))
    with closing(open_for_reading(Path(sys.argv[1]))) as connection:
        assert len(jobs_in(connection)) > before
"""

KILLED = """
import os, signal, sys
from pathlib import Path
from engine.store.connection import atomic
from engine.store.database import open_for_jobs
from engine.store.jobs import JobSpec, add_job
connection = open_for_jobs(Path(sys.argv[1]))
connection.execute("PRAGMA cache_size = 1")
with atomic(connection):
    for number in range(2000):  # more than the cache holds, so that the file is half written
        add_job(connection, JobSpec("profile", {}, "x" * 500, {}))
    print("written", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def lockless(monkeypatch):
    refuse_locks(monkeypatch)


def added(path, title="a job"):
    with closing(open_for_jobs(path)) as connection:
        return add_job(connection, JobSpec("profile", {}, title, {}))


def added_to(connection):
    return add_job(connection, JobSpec("profile", {}, "", {}))


def titles(path):
    with closing(open_for_reading(path)) as connection:
        return [job.spec.title for job in jobs_in(connection)]


@pytest.mark.parametrize("code", [errno.ENOSYS, errno.ENOLCK])
def test_processes_that_write_at_once_lose_nothing(path, tmp_path, code):
    environment = os.environ | lockless_environment(tmp_path, code)
    command = [sys.executable, "-c", WRITER, path]
    writers = [subprocess.Popen(command, cwd=ROOT, env=environment) for _ in range(3)]
    assert [writer.wait(100) for writer in writers] == [0] * 3
    assert titles(path) == [str(number) for number in range(3 * COUNTED)]
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@pytest.mark.usefixtures("lockless")
@pytest.mark.parametrize("then", ["read", "write"])
def test_a_process_that_is_killed_while_it_writes_leaves_the_store_as_it_was(path, tmp_path, then):
    added(path, "before")
    environment = os.environ | lockless_environment(tmp_path)
    command = [sys.executable, "-c", KILLED, path]
    killed = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert (killed.returncode, killed.stdout) == (-signal.SIGKILL, "written\n")
    assert turn_file(path).exists()
    if then == "write":
        added(path, "after")
    assert titles(path) == ["before", "after"][: 1 + (then == "write")]


def test_a_store_with_a_write_ahead_log_loses_it_and_nothing_else(path, monkeypatch):
    added(path, "with locks")
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    refuse_locks(monkeypatch)
    assert titles(path) == ["with locks"]
    added(path, "without")
    assert titles(path) == ["with locks", "without"]
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_a_store_with_a_write_ahead_log_is_united_with_others_as_it_is(path, tmp_path, monkeypatch):
    """Such as one that was copied from a disk with locks."""
    other = tmp_path / "copied" / "dlec.sqlite"
    for store in (path, other):
        with closing(open_for_jobs(store)) as connection, atomic(connection):
            assert change(connection, find_job(connection, added_to(connection)), Cancelled(now()))
    refuse_locks(monkeypatch)
    before = other.read_bytes()
    unite(path, other)
    assert len(titles(path)) == 2
    assert other.read_bytes() == before


@pytest.mark.usefixtures("lockless")
def test_a_process_of_another_host_is_named_with_the_way_out(path):
    added(path)
    holder = {"pid": 7, "host": "node3", "boot": "", "started": "", "is_file": True}
    turn_file(path).write_text(json.dumps(holder))
    with pytest.raises(MachineError, match=f"is locked: process 7 on node3 holds {turn_file(path)}") as caught:
        open_for_jobs(path, 0.1)
    assert f"remove {turn_file(path)}" in caught.value.fix


@pytest.mark.usefixtures("lockless")
def test_what_is_read_in_one_transaction_is_of_one_moment(path):
    added(path)
    with closing(open_for_reading(path)) as connection:
        connection.rows("BEGIN")
        with pytest.raises(MachineError, match="is locked"), closing(open_for_jobs(path, 0.1)):
            pass
        assert len(jobs_in(connection)) == 1
    assert not turn_file(path).exists()


@pytest.mark.usefixtures("lockless")
def test_nobody_is_kept_out_between_two_transactions(path):
    with closing(open_for_jobs(path)) as one, closing(open_for_jobs(path)) as other:
        for connection in (one, other, one):
            with atomic(connection):
                add_job(connection, JobSpec("profile", {}, "", {}))
        assert len(jobs_in(other)) == 3
        assert not turn_file(path).exists()
