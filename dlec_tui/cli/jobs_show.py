"""`dlec jobs show`."""

import json
import shlex
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from dlec_tui.cli.jobs_options import job_argument
from dlec_tui.cli.jobs_output import job_as_json
from dlec_tui.cli.options import home_option, json_option
from dlec_tui.cli.preview import preview_lines
from dlec_tui.cli.profile import profile_lines
from dlec_tui.jobs import task_views
from dlec_tui.jobs.job_view import StoredJob, StoredJobs, read_jobs, unattended
from dlec_tui.jobs.progress import running_text, since
from dlec_tui.jobs.task_views import command_of
from dlec_tui.wording import printable
from engine.errors import escaped
from engine.jobs.logs import job_log
from engine.protocol import from_data
from engine.store.job_states import Cancelled, Done, Failed, Running
from engine.units import age, duration


@click.command
@job_argument
@home_option
@json_option
def show(job_id: int, store: Path, wants_json: bool) -> None:
    """Show the details of a job.

    These are its state, progress, result or error, inputs and log file, and the command that does the same.
    """
    snapshot = read_jobs(store, [job_id])
    log = job_log(store, job_id)
    click.echo(json.dumps(_as_json(snapshot, log)) if wants_json else "\n".join(job_text(snapshot, log)))
    if talk := unattended(snapshot.jobs):
        click.echo(talk, err=True)


def job_text(snapshot: StoredJobs, log: Path) -> Iterator[str]:
    (stored,) = snapshot.jobs
    yield click.style(f"job {stored.job.id}: {escaped(stored.job.spec.title)}", bold=True)
    for name, value in _facts(stored, snapshot.moment, log):
        for number, line in enumerate(printable(value).split("\n")):
            yield f"{'' if number else name:11}{line}"
    if isinstance(stored.job.state, Done):
        yield ""
        yield from _result_lines(stored.job.spec.task, stored.job.state.result)


def _result_lines(task: str, result: Mapping[str, Any]) -> Iterator[str]:
    """Format a result; one of another version of dlec is printed as JSON."""
    try:
        yield from list(result_lines(task, result))
    except (KeyError, TypeError, ValueError):
        yield f"result of another version of dlec: {printable(json.dumps(dict(result)))}"


def _facts(stored: StoredJob, moment: datetime, log: Path) -> Iterator[tuple[str, str]]:
    """Yield names and values of details; a value may have several lines."""
    job, spec = stored.job, stored.job.spec
    yield "state", _state_text(stored, moment)
    if progress := running_text(stored, moment):
        yield "progress", progress
    if stored.reason:
        yield "reason", stored.reason
    if isinstance(job.state, Failed):
        yield "error", str(from_data(job.state.error))
    yield "submitted", _moment_text(job.submitted_at, moment)
    yield "attempts", str(job.attempts)
    yield "slot", spec.slot
    yield "priority", str(spec.priority)
    if spec.batch is not None:
        yield "batch", spec.batch
    if spec.inputs:
        yield "inputs", "\n".join(f"{directory} ({fingerprint[:8]})" for directory, fingerprint in spec.inputs.items())
    yield "log", str(log) if log.exists() else "none yet"
    if command := command_of(spec):
        yield "command", shlex.join(command)


def _state_text(stored: StoredJob, moment: datetime) -> str:
    """ "failed 2 h ago, after 3 min", "running for 12 min on cuda:1, process 4711"."""
    job = stored.job
    how_long = age(max(0.0, (moment - since(job)).total_seconds()))
    match job.state:
        case Running():
            where = f" on {stored.worker.worker.slot}, process {stored.worker.worker.pid}" if stored.worker else ""
            return f"running for {how_long}{where}"
        case Done() | Failed() | Cancelled() as ended:
            took = (ended.ended_at - ended.started_at).total_seconds() if ended.started_at else None
            return f"{job.state_name} {how_long} ago" + ("" if took is None else f", after {duration(took)}")
    return job.state_name


def _moment_text(moment: datetime, now: datetime) -> str:
    """Return a local time and its age."""
    how_long = age(max(0.0, (now - moment).total_seconds()))
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S}, {how_long} ago"


def _as_json(snapshot: StoredJobs, log: Path) -> dict[str, object]:
    (stored,) = snapshot.jobs
    spec, state = stored.job.spec, stored.job.state
    return job_as_json(stored, snapshot.moment) | {
        "request": dict(spec.request),
        "inputs": dict(spec.inputs),
        "log": str(log) if log.exists() else None,
        "command": command_of(spec),
        "result": dict(state.result) if isinstance(state, Done) else None,
    }


def result_lines(task: str, result: Mapping[str, Any]) -> Iterator[str]:
    return _LINES[task](result) if task in _LINES else task_views.result_lines(task, result)


_LINES: Mapping[str, Callable[[Mapping[str, Any]], Iterator[str]]] = {
    "profile": profile_lines,
    "preview": preview_lines,
}
