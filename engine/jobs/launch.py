"""Launch of background workers, which outlive the terminal, the connection and the program that started them."""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from engine.errors import MachineError, machine_error, shown
from engine.jobs.heartbeat import living
from engine.jobs.logs import opened_log, worker_log
from engine.jobs.settings import job_settings
from engine.jobs.slots import Slot
from engine.store.database import open_for_reading
from engine.store.workers import Worker
from engine.tasks.process import environment, tail_of

START_SECONDS = 30.0
"""Maximum time until a new worker is registered."""
_POLL_SECONDS = 0.02
_LAST_LINES = 3


@dataclass(frozen=True, slots=True)
class Started:
    """A worker that was launched."""

    slot: Slot
    pid: int
    log: Path


def live_workers(store: Path) -> tuple[Worker, ...]:
    """Return the workers of this host that are alive."""
    with closing(open_for_reading(store)) as connection:
        return living(connection)


def start_workers(store: Path) -> list[Started]:
    """Launch the missing workers of all configured slots, and return those that are now running.

    Raises MachineError, with the end of its log, for a worker that fails to start; UsageError for invalid settings.
    """
    launched = [_launched(store, slot) for slot in _missing(store)]
    return [worker.started for worker in launched if _has_registered(store, worker)]


@dataclass(frozen=True, slots=True)
class _Launched:
    """A process that has not registered as a worker yet."""

    started: Started
    process: subprocess.Popen[bytes]
    log_size: int
    """Size of its log before the launch."""


def _missing(store: Path) -> Iterator[Slot]:
    there = Counter(worker.slot for worker in live_workers(store))
    for slot, places in Counter(job_settings(store).slots).items():
        yield from [slot] * (places - there[str(slot)])


def _launched(store: Path, slot: Slot) -> _Launched:
    path = worker_log(store, slot)
    with opened_log(path) as log:
        size = path.stat().st_size
        try:
            process = subprocess.Popen(
                _command(store, slot),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment(online=True),
                cwd=store.absolute().parent,  # so that the file system of the working directory can be unmounted
                start_new_session=True,
            )
        except OSError as error:
            raise machine_error(f"no worker can be started for {slot}", error) from error
    return _Launched(Started(slot, process.pid, path), process, size)


def _command(store: Path, slot: Slot) -> list[str]:
    # -P: a torch.py in the user's working directory must not be taken for the library.
    return [sys.executable, "-P", "-m", "engine.jobs", str(store.absolute()), str(slot)]


def _has_registered(store: Path, worker: _Launched) -> bool:
    """Wait until the worker is registered. Return False if another was faster, or if it exited for lack of work."""
    give_up = time.monotonic() + START_SECONDS
    while time.monotonic() < give_up:
        if any(other.pid == worker.started.pid for other in live_workers(store)):
            return True
        if worker.process.poll() is not None:
            return _has_ended_well(store, worker)
        time.sleep(_POLL_SECONDS)
    worker.process.kill()
    worker.process.wait()
    raise _failed(worker, f"it was not registered after {START_SECONDS:.0f} s")


def _has_ended_well(store: Path, worker: _Launched) -> bool:
    if worker.process.returncode != os.EX_OK and worker.started.slot in _missing(store):
        raise _failed(worker, _last_lines(worker))
    return False


def _failed(worker: _Launched, why: str) -> MachineError:
    return MachineError(
        f"the worker for {worker.started.slot} did not start", why=why, fix=f"See its log: {worker.started.log}"
    )


def _last_lines(worker: _Launched) -> str:
    lines = tail_of(worker.started.log, worker.log_size).splitlines()
    return " / ".join(shown(line) for line in lines[-_LAST_LINES:]) or "it printed nothing"
