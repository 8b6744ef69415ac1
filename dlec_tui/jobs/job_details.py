"""Details of one job as styled lines, the most important first."""

import shlex
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from dlec_tui.jobs.job_view import StoredJob, plan_text_of_job
from dlec_tui.jobs.progress import advance_of, bar, running_text
from dlec_tui.jobs.reports import Answer
from dlec_tui.jobs.rows import NO_WORKER, TONES, state_text
from dlec_tui.jobs.task_views import command_of, headline, result_lines
from dlec_tui.wording import Span, clock, printable
from engine.errors import escaped
from engine.protocol import from_data
from engine.store.job_states import Cancelled, Done, Failed, Running
from engine.store.jobs import JobSpec
from engine.units import duration

_MOST_BAR_CELLS = 40
_NAME = 10
"""Columns for names."""


def job_facts(stored: StoredJob, moment: datetime, log: Path, width: int) -> Iterator[Span]:
    """Lines for a widget of `width` columns; a line may be longer."""
    spec = stored.job.spec
    yield escaped(spec.title), "head"
    yield _state_line(stored, moment), TONES.get(stored.job.state_name, "")
    yield from _progress_lines(stored, moment, width)
    if isinstance(stored.job.state, Running) and stored.reason:
        yield stored.reason, "warn"
    yield from _outcome(stored)
    yield "", ""
    for name, value in _facts(stored, moment, log):
        for number, line in enumerate(printable(value).split("\n")):
            yield f"{'' if number else name:{_NAME}} {line}", "dim"


def _state_line(stored: StoredJob, moment: datetime) -> str:
    """State in words: "✗ failed at 10:42, after 3 min", "▶ running since 10:42 on cuda:1, process 4711"."""
    job, name = stored.job, state_text(stored.job.state_name)
    match job.state:
        case Running(started_at=started_at):
            where = f" on {stored.worker.worker.slot}, process {stored.worker.worker.pid}" if stored.worker else ""
            return f"{name} since {clock(started_at, moment)}{where}"
        case Done() | Failed() | Cancelled() as ended:
            took = duration((ended.ended_at - ended.started_at).total_seconds()) if ended.started_at else ""
            return f"{name} at {clock(ended.ended_at, moment)}" + (f", after {took}" if took else "")
    reason = NO_WORKER if stored.needs_worker else stored.reason
    return f"{name}: {reason}" if reason else name


def _progress_lines(stored: StoredJob, moment: datetime, width: int) -> Iterator[Span]:
    advance = advance_of(stored, moment)
    if advance is not None and advance.share is not None:
        yield bar(advance.share, min(width, _MOST_BAR_CELLS)), "busy"
    if text := running_text(stored, moment):
        yield text, ""


def _outcome(stored: StoredJob) -> Iterator[Span]:
    task = stored.job.spec.task
    match stored.job.state:
        case Failed(error=error):
            failure = from_data(error)
            yield printable(failure.line), "bad"
            if failure.fix:
                yield printable(failure.fix), ""
        case Done(result=result):
            yield headline(task, result), "head"
            yield from ((line, "") for line in _result_lines(task, result) if line != headline(task, result))
            if plan_text_of_job(stored.job):
                yield "o: open the plan", "dim"


def _result_lines(task: str, result: Answer) -> Iterator[str]:
    try:
        yield from result_lines(task, result)
    except (KeyError, TypeError, ValueError):  # of another version
        yield from ()


def _facts(stored: StoredJob, moment: datetime, log: Path) -> Iterator[tuple[str, str]]:
    """Names and values; a value may have several lines."""
    job, spec = stored.job, stored.job.spec
    yield "submitted", clock(job.submitted_at, moment)
    yield "slot", spec.slot
    if job.attempts > 1:
        yield "attempts", str(job.attempts)
    if spec.priority:
        yield "priority", str(spec.priority)
    if spec.batch is not None:
        yield "batch", spec.batch
    if spec.inputs:
        yield "inputs", "\n".join(f"{directory} ({fingerprint[:8]})" for directory, fingerprint in spec.inputs.items())
    if job.attempts:
        yield "log", str(log)
    if command := _command(spec):
        yield "command", command


def _command(spec: JobSpec) -> str:
    try:
        return shlex.join(command_of(spec) or [])
    except (KeyError, TypeError):  # of another version
        return ""
