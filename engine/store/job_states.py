"""The states of a job; each carries only what exists in it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeAlias


class Stop(StrEnum):
    """How a running job is asked to end."""

    DISCARD = "discard"
    """What it wrote so far is removed."""
    KEEP = "keep"
    """It stays, to be resumed."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a running job is."""

    done: int
    total: int
    """0 when it is not known yet. The unit of both is the task's."""
    what: str
    per_second: float | None = None
    """Mean of this attempt at this stage, by a clock that nobody sets; None before anything was done in it."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """For a worker."""


@dataclass(frozen=True, slots=True)
class Held:
    """Until somebody releases it."""

    reason: str
    behind: int | None = None
    """The job whose failure holds this one."""


@dataclass(frozen=True, slots=True)
class Running:
    """In the hands of a worker."""

    worker: int
    started_at: datetime
    progress: Progress | None = None
    stop: Stop | None = None


@dataclass(frozen=True, slots=True)
class Done:
    started_at: datetime
    ended_at: datetime
    result: Mapping[str, Any]
    """The task's answer."""


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
    """None when no worker had begun it."""


State: TypeAlias = Waiting | Held | Running | Done | Failed | Cancelled

STATE_NAMES: Mapping[type, str] = {
    Waiting: "waiting",
    Held: "held",
    Running: "running",
    Done: "done",
    Failed: "failed",
    Cancelled: "cancelled",
}
"""As the store and the user call them."""
ENDED = (Done, Failed, Cancelled)

COLUMNS = (
    *("state", "held_reason", "held_by_job", "worker_id", "started_at", "done", "total", "stage", "requested_stop"),
    *("per_second", "ended_at", "result", "error"),
)
"""What the store keeps of a state."""


def now() -> datetime:
    return datetime.now(UTC)


def as_text(moment: datetime) -> str:
    """UTC, as SQLite's date functions and its text order understand it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def as_moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def state_columns(state: State) -> dict[str, Any]:
    """The value of each of COLUMNS."""
    return dict.fromkeys(COLUMNS) | {"state": STATE_NAMES[type(state)]} | _own_columns(state)


def state_of(row: Mapping[str, Any]) -> State:
    """From COLUMNS back to the state."""
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
        case Held(reason, behind):
            return {"held_reason": reason, "held_by_job": behind}
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
