"""What a worker costs that has nothing to do, and when it goes."""

import os
import time
from pathlib import Path

from engine.jobs.launch import start_workers
from engine.store.jobs import JobSpec
from tests.jobs.workplace import wait_until

IDLE_SECONDS = 1.0
WATCHED_SECONDS = 3.0
MOST_CPU = 0.005
"""Of a core."""
MOST_MEMORY = 40e6
"""Bytes. 23 MB were measured; debug builds and other versions of Python take more."""


def cpu_seconds(pid):
    """Spent so far; the kernel counts nanoseconds. How busy the machine is otherwise does not count."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def own_memory(pid):
    """Bytes in memory."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def loads(pid, library):
    return library in Path(f"/proc/{pid}/maps").read_text()


def has_come_to_rest(pid):
    """Whether what starting costs is over: between two looks for a job it does nothing."""
    before = cpu_seconds(pid)
    time.sleep(0.3)
    return cpu_seconds(pid) == before


def test_an_idle_worker_costs_nothing(place):
    for number in range(20):
        place.submit(JobSpec("profile", {}, f"for a GPU that is not there {number}", {}, slot="cuda:0"))
    (worker,) = start_workers(place.store)
    wait_until(lambda: has_come_to_rest(worker.pid), seconds=60)
    before, at = cpu_seconds(worker.pid), time.monotonic()
    time.sleep(WATCHED_SECONDS)
    assert (cpu_seconds(worker.pid) - before) / (time.monotonic() - at) < MOST_CPU
    assert own_memory(worker.pid) < MOST_MEMORY
    assert not any(loads(worker.pid, library) for library in ("libtorch", "numpy"))
    assert os.getpriority(os.PRIO_PROCESS, worker.pid) > os.getpriority(os.PRIO_PROCESS, 0)


def test_a_worker_that_stays_idle_goes_and_leaves_nothing(place_with):
    place = place_with(idle_minutes=IDLE_SECONDS / 60)
    began = time.monotonic()
    (worker,) = start_workers(place.store)
    wait_until(lambda: not place.live(), seconds=60)
    assert time.monotonic() - began > IDLE_SECONDS
    wait_until(lambda: not any((place.home / "locks").iterdir()))
    assert worker.log.read_text() == ""
