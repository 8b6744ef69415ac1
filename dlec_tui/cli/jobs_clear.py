"""`dlec jobs clear`."""

import json
from pathlib import Path

import click

from dlec_tui.cli.jobs_options import any_jobs_argument
from dlec_tui.cli.options import home_option, json_option
from engine.jobs import queue
from engine.units import plural


@click.command
@any_jobs_argument
@home_option
@json_option
def clear(job_ids: tuple[int, ...], store: Path, wants_json: bool) -> None:
    """Remove finished jobs from the list.

    Deletes their records and logs; their output is kept. Without ID, clears every job that is done or cancelled.
    """
    cleared = queue.clear(store, list(dict.fromkeys(job_ids)))
    click.echo(json.dumps(cleared) if wants_json else f"Cleared {plural(len(cleared), 'job')}.")
