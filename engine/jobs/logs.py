"""Where the logs lie: beside the store, one for each job and one for each slot's worker."""

from pathlib import Path

from engine.jobs.slots import Slot


def job_log(store: Path, job_id: int) -> Path:
    """Everything that was printed on behalf of a job, by Python, libraries and C code."""
    return logs_directory(store) / f"job-{job_id}.log"


def worker_log(store: Path, slot: Slot) -> Path:
    """What the background workers of a slot say outside of jobs."""
    return logs_directory(store) / f"worker-{str(slot).replace(':', '-')}.log"


def logs_directory(store: Path) -> Path:
    return store.with_name("logs")
