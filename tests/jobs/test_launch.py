"""Workers in the background: there when one is needed, none too many, and independent of who started them."""

import fcntl
import os
import pty
import signal
import subprocess
import sys
import termios
import threading
from pathlib import Path

import pytest

from engine.errors import MachineError
from engine.jobs import launch
from engine.jobs.launch import start_workers
from engine.store.job_states import Done
from tests.jobs.workplace import merge_spec, wait_until

FRONT_END = """
import sys
from pathlib import Path
from engine.jobs.launch import start_workers
print("started", [worker.pid for worker in start_workers(Path(sys.argv[1]))], flush=True)
sys.stdin.read()
"""


def test_a_worker_lives_when_it_is_said_to(place):
    (started,) = start_workers(place.store)
    assert [(worker.pid, worker.slot) for worker in place.live()] == [(started.pid, "cpu")]


def test_what_is_there_is_not_started_again(place):
    (started,) = start_workers(place.store)
    assert start_workers(place.store) == []
    assert [worker.pid for worker in place.live()] == [started.pid]


def test_one_slot_may_have_several(place_with):
    place = place_with(slots=["cpu", "cpu"])
    started = start_workers(place.store)
    assert {worker.pid for worker in started} == {worker.pid for worker in place.live()}
    assert len(started) == 2


def test_two_front_ends_at_once_start_one(place):
    threads = [threading.Thread(target=start_workers, args=(place.store,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(place.live()) == 1


def test_a_worker_that_cannot_begin_is_explained_by_its_log(place, monkeypatch):
    monkeypatch.setattr(launch, "_command", lambda *_: [sys.executable, "-c", "raise SystemExit('no luck today')"])
    with pytest.raises(MachineError, match="no luck today"):
        start_workers(place.store)


def test_a_dead_worker_is_replaced(place):
    (first,) = start_workers(place.store)
    os.kill(first.pid, signal.SIGKILL)
    wait_until(lambda: not place.live())
    (second,) = start_workers(place.store)
    assert [worker.pid for worker in place.live()] == [second.pid]


def test_a_worker_outlives_the_terminal_of_its_front_end(place, large_llama, tmp_path):
    """A real pty: when its other side closes, the kernel hangs up on everybody whose terminal it is."""
    job_id = place.submit(merge_spec(large_llama, tmp_path / "out"))
    master, slave = pty.openpty()
    front_end = subprocess.Popen(
        [sys.executable, "-c", FRONT_END, place.store],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        cwd=Path(__file__).parents[2],
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(slave)
    assert b"started" in os.read(master, 1000)
    wait_until(lambda: place.is_running(job_id))
    os.close(master)
    assert front_end.wait(timeout=30) == -signal.SIGHUP
    assert isinstance(place.ended(job_id), Done)
    assert len(place.live()) == 1
