"""Locks have one holder at a time and none after its death, also where the file system has none."""

import errno
import json
import os
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine import locks
from engine.hosts import this_host
from engine.locks import acquire, beating, has_locks, holder_text, is_held, removal_text
from tests.lockless import lockless_environment, refuse_locks

ROOT = Path(__file__).parents[1]

HOLDER = """
import sys
from pathlib import Path
from engine.locks import acquire
lock = acquire(Path(sys.argv[1]))
print(lock is not None and lock.is_file, flush=True)
sys.stdin.read()
"""

COUNTER = """
import sys, time
from pathlib import Path
from engine.locks import acquire
lock, counter = Path(sys.argv[1]), Path(sys.argv[2])
for _ in range(50):
    while (held := acquire(lock)) is None:
        time.sleep(0.001)
    before = int(counter.read_text())
    time.sleep(0.0005)
    counter.write_text(str(before + 1))
    held.release()
"""


@pytest.fixture(params=["kernel", errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP])
def kind(request, monkeypatch):
    """The kernel's locks, or an answer of a file system that has none."""
    if request.param != "kernel":
        refuse_locks(monkeypatch, request.param)
    return request.param


@pytest.fixture
def lockless(monkeypatch):
    refuse_locks(monkeypatch)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "lock"


def holding(path, environment):
    """A process that holds the lock."""
    command = [sys.executable, "-c", HOLDER, path]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT, env=os.environ | environment)
    assert process.stdout.readline() == "True\n"
    return process


def signed(path, **who):
    """The lock file of a holder of this place, or of another one."""
    place = this_host()
    holder = {"pid": os.getpid(), "host": place.name, "boot": place.boot, "started": "", "is_file": True}
    path.write_text(json.dumps(holder | who))


@pytest.fixture
def dead_pid():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.usefixtures("kind")
def test_a_lock_has_one_holder_and_is_free_after_it(path):
    lock = acquire(path)
    assert (acquire(path), is_held(path)) == (None, True)
    assert holder_text(path) == f"process {os.getpid()} on {socket.gethostname()} holds {path}"
    assert removal_text(path) == ""
    lock.release()
    assert not path.exists()
    acquire(path).release()


def test_a_lock_is_a_file_where_there_are_no_others(path, kind):
    lock = acquire(path)
    assert lock.is_file is (kind != "kernel")
    lock.release()


@pytest.mark.usefixtures("kind")
def test_of_many_threads_one_at_a_time_has_it(path):
    inside = []

    def count(_number):
        while (lock := acquire(path)) is None:
            time.sleep(0.0005)
        inside.append(1)
        alone = len(inside) == 1
        inside.pop()
        lock.release()
        return alone

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(count, range(120)))


def test_of_many_processes_one_at_a_time_has_it_where_there_are_no_others(path, tmp_path):
    counter = tmp_path / "counter"
    counter.write_text("0")
    environment = os.environ | lockless_environment(tmp_path)
    command = [sys.executable, "-c", COUNTER, path, counter]
    processes = [subprocess.Popen(command, cwd=ROOT, env=environment) for _ in range(4)]
    assert [process.wait(60) for process in processes] == [0] * 4
    assert counter.read_text() == "200"


@pytest.mark.usefixtures("lockless")
def test_the_file_of_a_killed_process_is_taken_over(path, tmp_path):
    holder = holding(path, lockless_environment(tmp_path))
    assert acquire(path) is None
    holder.kill()
    holder.communicate()
    assert path.exists()
    assert not is_held(path)
    lock = acquire(path)
    assert str(os.getpid()) in holder_text(path)
    lock.release()


@pytest.mark.usefixtures("lockless")
def test_a_process_that_has_the_number_of_a_dead_one_is_another_one(path):
    signed(path, started="1")
    assert not is_held(path)
    acquire(path).release()


@pytest.mark.usefixtures("lockless")
def test_what_an_older_version_left_is_judged_by_the_process(path, dead_pid):
    path.write_text(json.dumps({"pid": os.getpid(), "host": this_host().name}))
    assert acquire(path) is None
    path.write_text(json.dumps({"pid": dead_pid, "host": this_host().name}))
    acquire(path).release()


@pytest.mark.usefixtures("kind")
@pytest.mark.parametrize(
    "who", [{"host": "node7"}, {"boot": f"{this_host().boot.split()[0]} pid:[1]"}, {"boot": "another-start pid:[1]"}]
)
def test_the_file_of_another_host_or_container_is_never_taken_over_and_the_way_out_is_said(path, who, dead_pid):
    """Also by a host on which the same file system has locks."""
    signed(path, pid=dead_pid, **who)
    assert acquire(path) is None
    assert "its last heartbeat was 0 s ago" in holder_text(path)
    assert removal_text(path) == f"This file system has no locks. If that process is gone, remove {path}."
    path.unlink()
    acquire(path).release()


@pytest.mark.usefixtures("lockless")
def test_the_file_of_an_earlier_start_of_this_host_is_taken_over_when_another_sign_of_life_would_have_come(
    path, monkeypatch
):
    signed(path, boot="another-start pid:[1]")
    os.utime(path, (1e9, 1e9))
    acquire(path).release()
    signed(path, boot="another-start pid:[1]")
    os.utime(path, (1e9, 1e9))
    monkeypatch.setattr(locks, "QUIET_SECONDS", 1e10)  # the system was started a moment ago
    assert acquire(path) is None


@pytest.mark.usefixtures("lockless")
def test_an_empty_file_is_somebodys_who_is_about_to_sign_it(path):
    path.touch()
    assert acquire(path) is None
    assert holder_text(path) == f"another process holds {path}"


@pytest.mark.usefixtures("lockless")
def test_a_holder_gives_signs_of_life(path, monkeypatch):
    monkeypatch.setattr(locks, "BEAT_SECONDS", 0.01)
    lock = acquire(path)
    os.utime(path, (0, 0))
    with beating(lock):
        give_up = time.monotonic() + 30
        while path.stat().st_mtime < 1e9:
            assert time.monotonic() < give_up
            time.sleep(0.01)
    lock.release()


def test_another_answer_of_the_disk_is_an_error(path, monkeypatch):
    refuse_locks(monkeypatch, errno.EIO)
    with pytest.raises(OSError, match="Input/output error"):
        acquire(path)


def test_whether_a_file_system_has_locks_is_tried_once_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "_has_locks", {})
    assert has_locks(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("engine.locks.fcntl.lockf", lambda *_: pytest.fail("it is known"))
        assert has_locks(tmp_path)
    refuse_locks(monkeypatch)
    assert not has_locks(tmp_path)
    assert has_locks(tmp_path / "absent")
    assert list(tmp_path.iterdir()) == []


def test_a_lock_of_the_kernel_is_had_on_a_full_disk(path, monkeypatch):
    monkeypatch.setattr(locks.os, "pwrite", no_room)
    lock = acquire(path)
    assert (acquire(path), is_held(path)) == (None, True)
    lock.release()


@pytest.mark.usefixtures("lockless")
def test_a_lock_file_that_cannot_be_written_is_removed(path, monkeypatch):
    with monkeypatch.context() as full:
        full.setattr(locks.os, "pwrite", no_room)
        with pytest.raises(OSError, match="No space left"):
            acquire(path)
    assert not path.exists()
    acquire(path).release()


def no_room(*_arguments):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
