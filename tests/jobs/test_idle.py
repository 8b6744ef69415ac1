"""What a worker costs that has nothing to do."""

import os
import time
from pathlib import Path

from engine.jobs.starting import start_workers
from engine.store.jobs import Order
from tests.jobs.workplace import wait_until

IDLE_SECONDS = 6.0
WATCHED_SECONDS = 4.0
MOST = 0.005
"""Of a core."""


def cpu_seconds(pid):
    """Spent so far; the kernel counts nanoseconds."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def loads(pid, library):
    return library in Path(f"/proc/{pid}/maps").read_text()


def test_an_idle_worker_costs_nothing_and_goes(place_with):
    place = place_with(idle_minutes=IDLE_SECONDS / 60)
    for number in range(20):
        place.submit(Order("profile", {}, f"for a GPU that is not there {number}", {}, slot="cuda:0"))
    began = time.monotonic()
    (worker,) = start_workers(place.store)
    time.sleep(0.5)  # what starting costs is not counted
    before, at = cpu_seconds(worker.pid), time.monotonic()
    time.sleep(WATCHED_SECONDS)
    share = (cpu_seconds(worker.pid) - before) / (time.monotonic() - at)
    assert share < MOST
    assert not any(loads(worker.pid, library) for library in ("libtorch", "numpy"))
    assert os.getpriority(os.PRIO_PROCESS, worker.pid) > os.getpriority(os.PRIO_PROCESS, 0)
    wait_until(lambda: not place.live())
    assert time.monotonic() - began > IDLE_SECONDS
    assert not any((place.home / "locks").iterdir())
    assert worker.log.read_text() == ""
