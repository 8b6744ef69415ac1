"""Jobs on stdout: as lines, as a table, as JSON."""

import json
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from dlec_tui.cli.failures import error_as_json
from dlec_tui.jobs.job_view import SeenWorker, StoredJob, StoredJobs, read_jobs, unattended
from dlec_tui.jobs.progress import detail, pace_of, since
from dlec_tui.wording import cell_len, elided
from engine.errors import DlecError, escaped
from engine.store.job_states import Cancelled, Done, Failed, Held, Running
from engine.units import age


def say_changed(store: Path, job_ids: Sequence[int], errors: Sequence[DlecError] = (), *, wants_json: bool) -> None:
    """Print the changed jobs, as lines or JSON, and a warning if no worker will run them.

    errors: errors of the jobs that could not be changed. JSON is then an object with the first error and the jobs.
    """
    snapshot = read_jobs(store, job_ids)
    text = "".join(f"{line}\n" for stored in snapshot.jobs for line in job_lines(stored, snapshot.moment))
    data = {"error": error_as_json(errors[0]), "jobs": jobs_as_json(snapshot)} if errors else jobs_as_json(snapshot)
    click.echo(f"{json.dumps(data)}\n" if wants_json else text, nl=False)
    if talk := unattended(snapshot.jobs):
        click.echo(talk, err=True)


def job_lines(stored: StoredJob, moment: datetime) -> Iterator[str]:
    """State and details of a job: "job 7 done, took 2 min: merge plan.yaml into ./out"."""
    job, state, more = stored.job, stored.job.state, detail(stored, moment)
    is_ending = isinstance(state, Running) and state.stop is not None
    name = "cancelling" if is_ending else job.state_name
    title = escaped(job.spec.title)
    if isinstance(state, Done):
        yield f"job {job.id} done, {more}: {title}"
        return
    yield f"job {job.id} {name}: {title}"
    if more:
        yield f"    {more}"


_COLOURS = {"running": "cyan", "held": "yellow", "done": "green", "failed": "red", "cancelled": "bright_black"}
_STATE, _PRIORITY, _AGE = 9, 4, 6
"""Widths of columns."""
_GAP = "  "
_NARROWEST = 20
"""Minimum width of a text on a narrow terminal."""
_SHORTEST_TITLE = 26
"""Minimum width of a title that shares its line with details."""
_AS_ABOVE = "as above"


def terminal_width() -> int | None:
    """Width in columns, or None if stdout is not a terminal; each job is then printed on one line."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def job_table(snapshot: StoredJobs, width: int | None) -> Iterator[str]:
    """Return the lines of a table that is `width` columns wide, in the given order."""
    columns = _Columns(snapshot.jobs)
    yield columns.header
    above = ""
    for stored in snapshot.jobs:
        line, title = columns.line(stored, snapshot.moment), escaped(stored.job.spec.title)
        more = detail(stored, snapshot.moment)
        if width is None:
            yield f"{line}{title}{_GAP}{more}".rstrip()
        else:
            yield from _fitted(line, title, _AS_ABOVE if more and more == above else more, columns, width)
        above = more


class _Columns:
    """Column widths that fit a set of jobs."""

    def __init__(self, jobs: Sequence[StoredJob]) -> None:
        self.id = max([2, *(len(str(stored.job.id)) for stored in jobs)])
        self.slot = max([4, *(len(stored.job.spec.slot) for stored in jobs)])

    @property
    def header(self) -> str:
        return _GAP.join(self._padded("id", "state", "slot", "prio", "age", "title"))

    @property
    def before_title(self) -> int:
        return len(self.header) - len("title")

    def line(self, stored: StoredJob, moment: datetime) -> str:
        job = stored.job
        seconds = max(0.0, (moment - since(job)).total_seconds())
        fields = self._padded(str(job.id), job.state_name, job.spec.slot, str(job.spec.priority), age(seconds), "")
        fields[1] = click.style(fields[1], fg=_COLOURS.get(job.state_name))
        return _GAP.join(fields)

    def _padded(self, number: str, state: str, slot: str, priority: str, how_old: str, title: str) -> list[str]:
        return [
            number.rjust(self.id),
            state.ljust(_STATE),
            slot.ljust(self.slot),
            priority.rjust(_PRIORITY),
            how_old.rjust(_AGE),
            title,
        ]


def _fitted(line: str, title: str, more: str, columns: _Columns, width: int) -> Iterator[str]:
    """Put title and details on one line if they fit, else the details on lines below."""
    room = max(_NARROWEST, width - columns.before_title)
    beside = room - len(_GAP) - cell_len(more)
    if more and beside >= min(cell_len(title), _SHORTEST_TITLE):
        yield f"{line}{elided(title, beside)}{_GAP}{_dim(more)}"
        return
    yield f"{line}{elided(title, room)}"
    indent = columns.id + len(_GAP)
    for part in textwrap.wrap(more, max(_NARROWEST, width - indent)):
        yield f"{' ' * indent}{_dim(part)}"


def _dim(text: str) -> str:
    return click.style(text, fg="bright_black")


def jobs_as_json(snapshot: StoredJobs) -> list[dict[str, Any]]:
    return [job_as_json(stored, snapshot.moment) for stored in snapshot.jobs]


def job_as_json(stored: StoredJob, moment: datetime) -> dict[str, Any]:
    """Return all keys in every state; a value that does not apply is null."""
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
        "blocked_by": state.blocked_by if isinstance(state, Held) else None,
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
        "heartbeat_at": _text(worker.heartbeat_at),
    }


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="milliseconds")
