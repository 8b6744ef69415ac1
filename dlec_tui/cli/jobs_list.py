"""`dlec jobs list`."""

import json
from datetime import timedelta
from pathlib import Path

import click

from dlec_tui.cli.jobs_output import job_table, jobs_as_json, terminal_width
from dlec_tui.cli.options import home_option, json_option
from dlec_tui.jobs.job_view import StoredJobs, read_jobs, unattended
from dlec_tui.jobs.rows import in_view

_LATELY = timedelta(days=1)


@click.command("list")
@click.option("--all", "wants_all", is_flag=True, help="Include jobs that ended more than a day ago.")
@home_option
@json_option
def list_jobs(wants_all: bool, store: Path, wants_json: bool) -> None:
    """List waiting, running and recently finished jobs.

    Waiting jobs are listed in queue order. Age is the time that a job has been running or waiting, or the time since it
    ended.
    """
    snapshot = read_jobs(store)
    shown = StoredJobs(tuple(in_view(snapshot, lately=None if wants_all else _LATELY)), snapshot.moment)
    if wants_json:
        click.echo(json.dumps(jobs_as_json(shown)))
    elif shown.jobs:
        click.echo("\n".join(job_table(shown, terminal_width())))
    else:
        click.echo(
            "No jobs." if wants_all else "No jobs are waiting or running, and none ended within the last day.", err=True
        )
    if talk := unattended(shown.jobs):
        click.echo(talk, err=True)
