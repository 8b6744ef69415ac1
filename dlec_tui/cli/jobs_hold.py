"""`dlec jobs hold`."""

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
def hold(ctx: click.Context, job_ids: tuple[int, ...], store: Path, wants_json: bool) -> None:
    """Hold waiting jobs.

    A held job is not started until it is released.
    """
    done, errors = to_each(job_ids, lambda job_id: queue.hold(store, job_id))
    say_changed(store, done, errors, wants_json=wants_json)
    ctx.exit(USAGE if errors else SUCCESS)
