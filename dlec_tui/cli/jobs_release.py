"""`dlec jobs release`."""

from pathlib import Path

import click

from dlec_tui.cli.exit_codes import SUCCESS, USAGE
from dlec_tui.cli.jobs_options import jobs_argument, to_each
from dlec_tui.cli.jobs_output import say_changed
from dlec_tui.cli.options import home_option, json_option
from engine.jobs import queue


@click.command
@jobs_argument
@home_option
@json_option
@click.pass_context
def release(ctx: click.Context, job_ids: tuple[int, ...], store: Path, wants_json: bool) -> None:
    """Return jobs to the queue.

    This applies to held jobs, and to running jobs whose worker is no longer alive on this machine. The state of workers
    on other machines is unknown: release their jobs only if that machine is down.
    """
    done, errors = to_each(job_ids, lambda job_id: queue.release(store, job_id, force=True))
    say_changed(store, done, errors, wants_json=wants_json)
    ctx.exit(USAGE if errors else SUCCESS)
