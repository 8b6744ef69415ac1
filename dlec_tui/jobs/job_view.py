"""Jobs as screen and command line show them: each with its worker and the reason why it does not run."""

from collections.abc import Collection, Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from engine.errors import shown
from engine.hosts import HostId, this_host
from engine.jobs.liveness import Liveness, liveness_of
from engine.jobs.queue import known_job
from engine.jobs.scheduling import why_waiting
from engine.jobs.settings import job_settings
from engine.jobs.slots import Slot, fits, parse_slot
from engine.locks import QUIET_SECONDS
from engine.store.database import open_for_reading
from engine.store.job_states import Done, Held, Running, Waiting, now
from engine.store.jobs import Job, jobs_in
from engine.store.workers import Worker, all_workers, quiet_seconds
from engine.tasks.specs import spec_of
from engine.units import age, plural


@dataclass(frozen=True, slots=True)
class SeenWorker:
    """A worker and its state as seen from this host."""

    worker: Worker
    liveness: Liveness
    quiet_seconds: float
    """Seconds since the last heartbeat."""

    @property
    def lives(self) -> bool:
        """Whether the worker is alive. A worker on another host counts as alive while its heartbeat is recent."""
        return self.liveness is Liveness.ALIVE or (
            self.liveness is Liveness.ELSEWHERE and self.quiet_seconds < QUIET_SECONDS
        )


@dataclass(frozen=True, slots=True)
class StoredJob:
    """A job with its worker and state."""

    job: Job
    worker: SeenWorker | None
    """Worker that runs the job."""
    reason: str
    """Reason why the job waits or may not continue; "" if it runs normally or has ended."""
    needs_worker: bool
    """Whether starting workers is enough to run the job."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """State of host, queue and workers that decides whether a job runs."""

    host: str
    """Name of this host."""
    waiting: tuple[Job, ...]
    """Waiting jobs in queue order."""
    workers: tuple[SeenWorker, ...]
    slots: tuple[Slot, ...]
    """Configured slots."""

    @property
    def manned(self) -> list[Slot]:
        """Slots of live workers."""
        return [parse_slot(seen.worker.slot) for seen in self.workers if seen.lives]


@dataclass(frozen=True, slots=True)
class StoredJobs:
    """All jobs at one moment."""

    jobs: tuple[StoredJob, ...]
    moment: datetime


def read_jobs(store: Path, job_ids: Collection[int] | None = None) -> StoredJobs:
    """These jobs in this order, or all of them, the one that goes first at the front.

    Raises UsageError for an id that no job has and for invalid settings, MachineError for a store that
    cannot be read.
    """
    with closing(open_for_reading(store)) as connection:
        connection.rows("BEGIN")  # everything is to be of one moment, whatever workers do meanwhile
        jobs = jobs_in(connection) if job_ids is None else [known_job(connection, job_id) for job_id in job_ids]
        moment, host = now(), this_host()
        workers = tuple(_seen(worker, host, moment) for worker in all_workers(connection))
        around = Surroundings(host.name, jobs_in(connection, Waiting), workers, job_settings(store).slots)
    return StoredJobs(tuple(described(job, around) for job in jobs), moment)


def open_job_ids(store: Path) -> list[int]:
    """Ids of all jobs that have not ended."""
    with closing(open_for_reading(store)) as connection:
        return [job.id for job in jobs_in(connection, Waiting, Held, Running)]


def described(job: Job, around: Surroundings) -> StoredJob:
    """View of a job; pure."""
    worker = next((seen for seen in around.workers if _is_run_by(job, seen)), None)
    return StoredJob(job, worker, _reason(job, worker, around), _needs_worker(job, worker, around))


def unattended(jobs: Iterable[StoredJob]) -> str:
    """Advice if jobs wait and no worker runs; "" otherwise."""
    number = sum(job.needs_worker for job in jobs)
    if not number:
        return ""
    return f"{plural(number, 'job')} waiting, but no worker running: dlec jobs start"


def _seen(worker: Worker, host: HostId, moment: datetime) -> SeenWorker:
    return SeenWorker(worker, liveness_of(worker, host), quiet_seconds(worker, moment))


def _is_run_by(job: Job, seen: SeenWorker) -> bool:
    return isinstance(job.state, Running) and job.state.worker == seen.worker.id


def _needs_worker(job: Job, worker: SeenWorker | None, around: Surroundings) -> bool:
    is_abandoned = worker is not None and worker.liveness is Liveness.DEAD
    if not (isinstance(job.state, Waiting) or is_abandoned):
        return False
    return _is_among(around.slots, job) and not _is_among(around.manned, job)


def _is_among(slots: Iterable[Slot], job: Job) -> bool:
    """Whether one of these slots can run the job."""
    return any(fits(job.spec.slot, slot) for slot in slots)


def _reason(job: Job, worker: SeenWorker | None, around: Surroundings) -> str:
    match job.state:
        case Waiting():
            return why_waiting(job, around.waiting, around.slots, around.manned)
        case Held(reason):
            return reason
        case Running(stop=stop) if worker is not None:
            return _trouble(job, worker, around) or ("being cancelled" if stop else "")
    return ""


def _trouble(job: Job, seen: SeenWorker, around: Surroundings) -> str:
    """Problem with the worker of a running job."""
    if seen.liveness is Liveness.DEAD:
        remedy = "another worker takes over" if around.manned else "dlec jobs start"
        return f"its worker (process {seen.worker.pid}) has died: {remedy}"
    if seen.liveness is Liveness.ELSEWHERE:
        where = f"on {_machine(seen.worker, around.host)}, last heartbeat {age(seen.quiet_seconds)} ago"
        return where if seen.lives else f"{where}; if that host is down: dlec jobs release {job.id}"
    return ""


def _machine(worker: Worker, host: str) -> str:
    """Host of a worker. A container or an earlier boot can have the name of this host but not its processes."""
    return f"another {shown(host)} (container or earlier boot)" if worker.host == host else shown(worker.host)


def plan_text_of_job(job: Job) -> str:
    """Plan of a job: the proposed one, the best of a sweep, or the requested one; "" without a plan."""
    result = job.state.result if isinstance(job.state, Done) else {}
    if spec_of(job.spec.task).proposes_plan:
        return str(result.get("plan") or "")
    winner = (result.get("winner") or {}).get("name")
    swept = {plan.get("name"): plan.get("text") for plan in job.spec.request.get("plans") or ()}
    return str(swept.get(winner) or job.spec.request.get("plan") or "")
