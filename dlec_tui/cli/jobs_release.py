"""`dlec jobs release`: lets held jobs wait again, and takes jobs from machines that are gone."""

from pathlib import Path

import click

from dlec_tui.cli.exit_codes import SUCCESS, USAGE
from dlec_tui.cli.jobs_changed import say_changed
from dlec_tui.cli.jobs_options import jobs_argument, to_each
from dlec_tui.cli.options import home_option, json_option
from engine.jobs import queue


@click.command
@jobs_argument
@home_option
@json_option
@click.pass_context
def release(ctx: click.Context, job_ids: tuple[int, ...], store: Path, wants_json: bool) -> None:
    """Let held jobs wait again.

    A running job is taken from its worker if that is not alive on this machine. Whether a worker of another machine
    lives cannot be seen from here: release its jobs only when it is gone.
    """
    done, errors = to_each(job_ids, lambda job_id: queue.release(store, job_id, force=True))
    say_changed(store, done, errors, wants_json=wants_json)
    ctx.exit(USAGE if errors else SUCCESS)
