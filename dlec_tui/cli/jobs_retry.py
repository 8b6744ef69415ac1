"""`dlec jobs retry`."""

from pathlib import Path

import click

from dlec_tui.cli.jobs_options import any_jobs_argument
from dlec_tui.cli.jobs_output import say_changed
from dlec_tui.cli.options import home_option, json_option
from engine.jobs import queue


@click.command
@any_jobs_argument
@home_option
@json_option
def retry(job_ids: tuple[int, ...], store: Path, wants_json: bool) -> None:
    """Retry failed or cancelled jobs.

    Jobs that were held because of the failure return to the queue as well. Without ID, retries every failed job. A
    merge resumes where it stopped.
    """
    say_changed(store, queue.retry(store, list(dict.fromkeys(job_ids))), wants_json=wants_json)
