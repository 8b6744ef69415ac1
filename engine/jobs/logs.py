"""Log files of jobs and workers: their paths, and the lines that a worker writes around an attempt."""

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from engine.errors import MachineError, escaped, machine_error
from engine.jobs.slots import Slot
from engine.protocol import from_data
from engine.store.job_states import Cancelled, Done, Failed, State, as_text
from engine.store.jobs import Job


def job_log(store: Path, job_id: int) -> Path:
    """Path of the log of a job: everything that Python, libraries and C code printed."""
    return logs_directory(store) / f"job-{job_id}.log"


def worker_log(store: Path, slot: Slot) -> Path:
    """Path of the log of a slot's background workers, for output outside of jobs."""
    return logs_directory(store) / f"worker-{str(slot).replace(':', '-')}.log"


def logs_directory(store: Path) -> Path:
    return store.with_name("logs")


@contextmanager
def opened_log(path: Path) -> Iterator[BinaryIO]:
    """Open a log for appending. Raises MachineError if that fails."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        log = path.open("ab")
    except OSError as error:
        raise machine_error(f"the log {path} cannot be written", error) from error
    with log:
        yield log


def append(path: Path, line: str) -> None:
    """Append a line to a log. Errors are ignored: a full disk must not fail the job."""
    with contextlib.suppress(OSError, MachineError), opened_log(path) as log:
        log.write(f"{line}\n".encode(errors="backslashreplace"))


def beginning(job: Job, moment: datetime) -> str:
    return f"=== {as_text(moment)} UTC  {job.spec.task}: {escaped(job.spec.title)}, attempt {job.attempts}"


def ending(state: State | None, moment: datetime) -> str:
    """Format the last line of an attempt. state: None if the job no longer belongs to the worker."""
    return f"=== {as_text(moment)} UTC  {_outcome(state)}"


def _outcome(state: State | None) -> str:
    match state:
        case Done(started_at, ended_at):
            return f"done after {(ended_at - started_at).total_seconds():.1f} s"
        case Failed(error=error):
            return f"failed: {escaped(from_data(error).line)}"
        case Cancelled():
            return "cancelled"
        case None:
            return "released: another worker may run it"
        case _:
            return "back in the queue: the worker was asked to exit"
