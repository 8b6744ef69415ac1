"""`dlec worker`: a worker in the foreground."""

from contextlib import closing
from pathlib import Path

import click

from dlec_tui.cli.devices import require_gpus, slot_of
from dlec_tui.cli.exit_codes import JOB_FAILED, REQUEUE
from dlec_tui.cli.options import Number, home_option, json_option
from dlec_tui.cli.worker_lines import Teller, json_line, text_line
from engine.jobs.scheduling import next_job
from engine.jobs.settings import job_settings
from engine.jobs.slots import Slot
from engine.jobs.worker import Outcome, work
from engine.store.database import open_for_reading
from engine.store.job_states import Waiting
from engine.store.jobs import jobs_in


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
