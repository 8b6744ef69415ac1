"""`dlec worker`."""

import json
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path

import click

from dlec_tui.cli.exit_codes import JOB_FAILED, REQUEUE
from dlec_tui.cli.failures import forget_stdout
from dlec_tui.cli.measuring import require_gpus, slot_of
from dlec_tui.cli.options import Number, home_option, json_option
from engine.errors import escaped
from engine.jobs.scheduling import next_job
from engine.jobs.settings import job_settings
from engine.jobs.slots import Slot
from engine.jobs.worker import Outcome, work
from engine.protocol import from_data
from engine.store.database import open_for_reading
from engine.store.job_states import Cancelled, Done, Failed, Waiting, as_text, now
from engine.store.jobs import Job, jobs_in
from engine.units import duration


@click.command
@click.option(
    "--slot",
    metavar="SLOT",
    callback=slot_of,
    help="Slot of the worker: cpu, cuda:1 or cuda:0-3 (default: the first in config.toml).",
)
@click.option(
    "--idle",
    "idle_minutes",
    metavar="MINUTES",
    type=Number(0),
    help="Exit after this idle time (default: idle_minutes in config.toml).",
)
@click.option("--until-empty", is_flag=True, help="Exit when no job is waiting for the slot.")
@home_option
@json_option
@click.pass_context
def worker(
    ctx: click.Context,
    slot: Slot | None,
    idle_minutes: float | None,
    until_empty: bool,
    store: Path,
    wants_json: bool,
) -> None:
    """Run a worker in this terminal.

    Prints a line when a job starts and when it ends. On Ctrl-C, SIGTERM, SIGUSR1 or SIGHUP the worker returns its job
    to the queue and exits with code 75 if jobs are left. With --until-empty, it exits with code 4 if a job failed.
    """
    settings = job_settings(store)
    slot = slot or settings.slots[0]
    require_gpus(slot)
    idle_seconds = settings.idle_seconds if idle_minutes is None else idle_minutes * 60
    teller = Teller(json_line if wants_json else text_line)
    outcome = work(store, slot, idle_seconds=idle_seconds, listener=teller, until_empty=until_empty)
    if outcome is Outcome.ASKED and _is_work_left(store, slot):
        ctx.exit(REQUEUE)
    ctx.exit(JOB_FAILED if until_empty and teller.has_failed else 0)


def _is_work_left(store: Path, slot: Slot) -> bool:
    with closing(open_for_reading(store)) as connection:
        return next_job(jobs_in(connection, Waiting), slot) is not None


class Teller:
    """Listener that prints. A closed terminal must not end a job."""

    def __init__(self, line: Callable[[Job, datetime], str]) -> None:
        """line: formats the current state of a job."""
        self.has_failed = False
        self._line = line

    def started(self, job: Job) -> None:
        self._say(job)

    def ended(self, job: Job) -> None:
        self.has_failed |= isinstance(job.state, Failed)
        self._say(job)

    def _say(self, job: Job) -> None:
        try:
            click.echo(self._line(job, now()))
        except OSError:
            forget_stdout()


def text_line(job: Job, moment: datetime) -> str:
    """Local time and event: "14:03:12  job 7 done after 2 min: merge plan.yaml into ./out"."""
    return f"{moment.astimezone():%H:%M:%S}  job {job.id} {_event(job)}"


def json_line(job: Job, moment: datetime) -> str:
    error = dict(job.state.error) if isinstance(job.state, Failed) else None
    what = {"id": job.id, "state": job.state_name, "title": job.spec.title, "error": error}
    return json.dumps({"at": as_text(moment), **what})


def _event(job: Job) -> str:
    title = escaped(job.spec.title)
    match job.state:
        case Done(started_at, ended_at):
            return f"done after {duration((ended_at - started_at).total_seconds())}: {title}"
        case Failed(started_at, ended_at, error):
            after = duration((ended_at - started_at).total_seconds())
            return f"failed after {after}: {title}\n          {escaped(from_data(error).line)}"
        case Cancelled():
            return f"cancelled: {title}"
        case Waiting():
            return f"returned to the queue: {title}"
        case _:
            return f"started: {title}"
