"""Jobs as JSON."""

from datetime import UTC, datetime
from typing import Any

from dlec_tui.jobs.pace import pace_of
from dlec_tui.jobs.stored import SeenWorker, StoredJob, StoredJobs
from engine.store.job_states import Cancelled, Done, Failed, Held, Running


def as_json(found: StoredJobs) -> list[dict[str, Any]]:
    return [job_as_json(stored, found.moment) for stored in found.jobs]


def job_as_json(stored: StoredJob, moment: datetime) -> dict[str, Any]:
    """Every key is always there; null stands for what does not exist in the job's state."""
    job, spec, state = stored.job, stored.job.spec, stored.job.state
    started_at = state.started_at if isinstance(state, Running | Done | Failed | Cancelled) else None
    ended_at = state.ended_at if isinstance(state, Done | Failed | Cancelled) else None
    return {
        "id": job.id,
        "uuid": job.uuid,
        "state": job.state_name,
        "task": spec.task,
        "title": spec.title,
        "slot": spec.slot,
        "priority": spec.priority,
        "batch": spec.batch,
        "attempts": job.attempts,
        "submitted_at": _text(job.submitted_at),
        "started_at": _text(started_at),
        "ended_at": _text(ended_at),
        "reason": stored.reason or None,
        "behind": state.behind if isinstance(state, Held) else None,
        "progress": _progress(state, moment) if isinstance(state, Running) else None,
        "stop": state.stop if isinstance(state, Running) else None,
        "worker": _worker(stored.worker),
        "error": dict(state.error) if isinstance(state, Failed) else None,
    }


def _progress(running: Running, moment: datetime) -> dict[str, Any] | None:
    if running.progress is None:
        return None
    pace = pace_of(running, moment)
    return {
        "done": running.progress.done,
        "total": running.progress.total or None,
        "what": running.progress.what,
        "per_second": round(pace.per_second, 3) if pace else None,
        "seconds_left": round(pace.seconds_left, 1) if pace and pace.seconds_left is not None else None,
    }


def _worker(seen: SeenWorker | None) -> dict[str, Any] | None:
    if seen is None:
        return None
    worker = seen.worker
    return {
        "slot": worker.slot,
        "host": worker.host,
        "pid": worker.pid,
        "liveness": seen.liveness.value,
        "seen_at": _text(worker.seen_at),
    }


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="milliseconds")
