"""`dlec jobs logs`."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import click

from dlec_tui.cli.jobs_options import job_argument
from dlec_tui.cli.options import home_option, json_option
from dlec_tui.jobs.job_view import StoredJob, read_jobs
from dlec_tui.jobs.logs import GrowingLog
from engine.errors import machine_error
from engine.jobs.logs import job_log
from engine.store.job_states import ENDED

_POLL_SECONDS = 0.25


@click.command
@job_argument
@click.option("-f", "--follow", is_flag=True, help="Keep printing until the job ends.")
@home_option
@json_option
def logs(job_id: int, follow: bool, store: Path, wants_json: bool) -> None:
    """Show the log of a job.

    The log includes the output of libraries. Progress bars are reduced to their last state.
    """
    stored = _stored(store, job_id)
    log = job_log(store, job_id)
    if not log.exists():
        state = ", ".join(filter(None, (stored.job.state_name, stored.reason)))
        click.echo(f"job {job_id} has no log: it is {state}", err=True)
    lines = _lines(log, (lambda: _has_ended(store, job_id)) if follow else lambda: True)
    if wants_json:
        click.echo(json.dumps({"id": job_id, "log": str(log), "lines": list(lines)}))
        return
    for line in lines:
        click.echo(line)


def _lines(log: Path, has_ended: Callable[[], bool]) -> Iterator[str]:
    """The lines as they come, until the job `has_ended`; its worker writes the last one before it says so."""
    while not (is_last := has_ended()) and not log.exists():
        time.sleep(_POLL_SECONDS)
    if not log.exists():
        return
    with _opened(log) as file:
        growing = GrowingLog(file)
        yield from growing.new_lines()
        while not is_last:
            time.sleep(_POLL_SECONDS)
            is_last = has_ended()
            yield from growing.new_lines()
        if last := growing.last_line():
            yield last


def _has_ended(store: Path, job_id: int) -> bool:
    return isinstance(_stored(store, job_id).job.state, ENDED)


def _stored(store: Path, job_id: int) -> StoredJob:
    return read_jobs(store, [job_id]).jobs[0]


def _opened(log: Path) -> BinaryIO:
    try:
        return log.open("rb")
    except OSError as error:
        raise machine_error(f"the log {log} cannot be read", error) from error
