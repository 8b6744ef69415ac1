"""Who lives is told by a lock that the kernel drops; of other machines nothing is told."""

import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from engine.errors import MachineError
from engine.hosts import HostId, this_host
from engine.jobs import liveness as liveness_room
from engine.jobs.liveness import Liveness, held, liveness_of, locks_directory
from engine.locks import is_held
from engine.store.job_states import now
from engine.store.workers import Worker
from tests.jobs.workplace import wait_until

HOLD = """
import subprocess, sys, time
from pathlib import Path
from engine.jobs.liveness import held
with held(Path(sys.argv[1])):
    child = subprocess.Popen(["sleep", "60"], stdout=subprocess.DEVNULL)
    print(child.pid, flush=True)
    time.sleep(60)
"""


def worker_with(lock, pid=None):
    """A row as a worker of this place writes it."""
    place = this_host()
    return Worker(1, "cpu", place.name, place.boot, str(lock), pid or os.getpid(), now(), now())


@pytest.fixture
def dead_pid():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_who_holds_its_lock_lives(tmp_path):
    with held(tmp_path / "lock"):
        assert liveness_of(worker_with(tmp_path / "lock"), this_host()) is Liveness.ALIVE
    assert not (tmp_path / "lock").exists()


def test_a_killed_holder_is_dead_at_once_though_its_child_lives_on(tmp_path):
    holder = subprocess.Popen([sys.executable, "-c", HOLD, tmp_path / "lock"], stdout=subprocess.PIPE, text=True)
    child = int(holder.stdout.readline())
    worker = worker_with(tmp_path / "lock", holder.pid)
    assert liveness_of(worker, this_host()) is Liveness.ALIVE
    holder.kill()
    holder.communicate()
    assert liveness_of(worker, this_host()) is Liveness.DEAD
    os.kill(child, 9)  # fails if it was gone


@pytest.mark.parametrize("change", [{"host": "elsewhere"}, {"boot": "before"}])
def test_nothing_is_said_of_another_place(tmp_path, change):
    (tmp_path / "lock").touch()
    worker = worker_with(tmp_path / "lock")
    assert liveness_of(worker, this_host()) is Liveness.DEAD
    assert liveness_of(replace(worker, **change), this_host()) is Liveness.ELSEWHERE


def test_a_worker_seen_last_before_this_machine_was_started_died_with_the_system(tmp_path):
    before = replace(worker_with(tmp_path / "lock"), boot="before", heartbeat_at=datetime(2001, 1, 1, tzinfo=UTC))
    assert liveness_of(before, this_host()) is Liveness.ELSEWHERE  # its lock may be on a machine of the same name
    (tmp_path / "lock").touch()
    assert liveness_of(before, this_host()) is Liveness.DEAD
    assert liveness_of(replace(before, host="elsewhere"), this_host()) is Liveness.ELSEWHERE
    with held(tmp_path / "held") as lock:
        assert liveness_of(replace(before, lock_file=str(lock.path)), this_host()) is Liveness.ELSEWHERE


def test_without_the_file_the_process_decides(tmp_path, dead_pid):
    assert liveness_of(worker_with(tmp_path / "tidied away"), this_host()) is Liveness.ALIVE
    assert liveness_of(worker_with(tmp_path / "tidied away", dead_pid), this_host()) is Liveness.DEAD


def test_asking_does_not_look_like_holding(tmp_path):
    (tmp_path / "lock").touch()
    asked = [is_held(tmp_path / "lock") for _ in range(2)]
    assert asked == [False, False]


def test_a_lock_is_touched_to_look_used(tmp_path):
    with held(tmp_path / "lock") as lock:
        os.utime(lock.path, (0, 0))
        lock.touch()
        wait_until(lambda: lock.path.stat().st_mtime > 1e9)


def test_a_place_names_host_boot_and_processes():
    found = this_host()
    assert found == HostId(os.uname().nodename, found.boot)
    assert len(found.boot.split()) == 2


def test_locks_lie_beside_a_local_store(tmp_path):
    directory = locks_directory(tmp_path / "home" / "dlec.sqlite")
    assert directory == tmp_path / "home" / "locks"
    assert directory.stat().st_mode & 0o777 == 0o700


def test_locks_of_a_shared_store_lie_on_this_host(tmp_path, monkeypatch):
    monkeypatch.setattr(liveness_room, "is_local", lambda _store: False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    one, other = (locks_directory(tmp_path / name / "dlec.sqlite") for name in ("one", "other"))
    assert one.parent == other.parent == tmp_path / "tmp" / f"dlec-{os.getuid()}"
    assert one != other
    assert one.parent.stat().st_mode & 0o777 == 0o700


def test_a_directory_prepared_by_somebody_else_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(liveness_room, "is_local", lambda _store: False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "theirs").mkdir()
    (tmp_path / f"dlec-{os.getuid()}").symlink_to(tmp_path / "theirs")
    with pytest.raises(MachineError, match="belongs to another user"):
        locks_directory(tmp_path / "dlec.sqlite")
