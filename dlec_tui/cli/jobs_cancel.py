"""`dlec jobs cancel`."""

from pathlib import Path

import click

from dlec_tui.cli.exit_codes import SUCCESS, USAGE
from dlec_tui.cli.jobs_options import jobs_argument, to_each
from dlec_tui.cli.jobs_output import say_changed
from dlec_tui.cli.options import home_option, json_option
from engine.jobs.queue import cancel as cancel_job
from engine.store.job_states import Stop


@click.command
@jobs_argument
@click.option("--keep", is_flag=True, help="Keep the unfinished output of a merge, so that it can be resumed.")
@home_option
@json_option
@click.pass_context
def cancel(ctx: click.Context, job_ids: tuple[int, ...], keep: bool, store: Path, wants_json: bool) -> None:
    """Cancel jobs.

    A running job is stopped. The unfinished output of a merge is deleted.
    """
    stop = Stop.KEEP if keep else Stop.DISCARD
    done, errors = to_each(job_ids, lambda job_id: cancel_job(store, job_id, stop))
    say_changed(store, done, errors, wants_json=wants_json)
    ctx.exit(USAGE if errors else SUCCESS)
