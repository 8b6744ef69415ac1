"""The states of a job; each carries only what exists in it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeAlias


class Stop(StrEnum):
    """Request to end a running job."""

    DISCARD = "discard"
    """Remove its partial output."""
    KEEP = "keep"
    """Keep its partial output, so that a retry resumes it."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of a running job."""

    done: int
    total: int
    """0 while unknown. Both are in the task's unit."""
    what: str
    per_second: float | None = None
    """Mean speed of this attempt at this stage, by the steady clock; None before any progress."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Waiting for a worker."""


@dataclass(frozen=True, slots=True)
class Held:
    """Held until it is released."""

    reason: str
    blocked_by: int | None = None
    """Id of the job whose failure holds this one."""


@dataclass(frozen=True, slots=True)
class Running:
    """Run by a worker."""

    worker: int
    started_at: datetime
    progress: Progress | None = None
    stop: Stop | None = None


@dataclass(frozen=True, slots=True)
class Done:
    started_at: datetime
    ended_at: datetime
    result: Mapping[str, Any]
    """The task's result."""


@dataclass(frozen=True, slots=True)
class Failed:
    started_at: datetime
    ended_at: datetime
    error: Mapping[str, str]
    """kind, what, why, fix: an error of engine.errors."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    ended_at: datetime
    started_at: datetime | None = None
    """None if no worker had started it."""


State: TypeAlias = Waiting | Held | Running | Done | Failed | Cancelled

STATE_NAMES: Mapping[type, str] = {
    Waiting: "waiting",
    Held: "held",
    Running: "running",
    Done: "done",
    Failed: "failed",
    Cancelled: "cancelled",
}
"""Names of the states in the store and for users."""
ENDED = (Done, Failed, Cancelled)

COLUMNS = (
    *("state", "held_reason", "held_by_job", "worker_id", "started_at", "done", "total", "stage", "requested_stop"),
    *("per_second", "ended_at", "result", "error"),
)
"""Columns of the table `jobs` that hold a state."""


def now() -> datetime:
    return datetime.now(UTC)


def as_text(moment: datetime) -> str:
    """Format a time in UTC, sortable and readable by SQLite's date functions."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def as_moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def state_columns(state: State) -> dict[str, Any]:
    """Return the value of each of COLUMNS."""
    return dict.fromkeys(COLUMNS) | {"state": STATE_NAMES[type(state)]} | _own_columns(state)


def state_of(row: Mapping[str, Any]) -> State:
    """Return the state that COLUMNS hold."""
    match row["state"]:
        case "waiting":
            return Waiting()
        case "held":
            return Held(row["held_reason"], row["held_by_job"])
        case "running":
            stop = Stop(row["requested_stop"]) if row["requested_stop"] else None
            return Running(row["worker_id"], as_moment(row["started_at"]), _progress(row), stop)
        case "done":
            return Done(as_moment(row["started_at"]), as_moment(row["ended_at"]), json.loads(row["result"]))
        case "failed":
            return Failed(as_moment(row["started_at"]), as_moment(row["ended_at"]), json.loads(row["error"]))
        case _:
            started_at = as_moment(row["started_at"]) if row["started_at"] else None
            return Cancelled(as_moment(row["ended_at"]), started_at)


def _own_columns(state: State) -> dict[str, Any]:
    match state:
        case Waiting():
            return {}
        case Held(reason, blocked_by):
            return {"held_reason": reason, "held_by_job": blocked_by}
        case Running(worker, started_at, progress, stop):
            own = {"worker_id": worker, "started_at": as_text(started_at), "requested_stop": stop}
            return own | (progress_columns(progress) if progress else {})
        case Done(started_at, ended_at, result):
            return {"started_at": as_text(started_at), "ended_at": as_text(ended_at), "result": json.dumps(result)}
        case Failed(started_at, ended_at, error):
            return {
                "started_at": as_text(started_at),
                "ended_at": as_text(ended_at),
                "error": json.dumps(dict(error)),
            }
        case Cancelled(ended_at, started_at):
            return {"ended_at": as_text(ended_at), "started_at": as_text(started_at) if started_at else None}


def progress_columns(progress: Progress) -> dict[str, Any]:
    return {
        "done": progress.done,
        "total": progress.total,
        "stage": progress.what,
        "per_second": progress.per_second,
    }


def _progress(row: Mapping[str, Any]) -> Progress | None:
    if row["stage"] is None:
        return None
    return Progress(row["done"], row["total"], row["stage"], row["per_second"])
