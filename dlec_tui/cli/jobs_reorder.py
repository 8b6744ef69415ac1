"""`dlec jobs reorder`."""

from pathlib import Path

import click

from dlec_tui.cli.jobs_options import JOB_ID, job_argument
from dlec_tui.cli.jobs_output import say_changed
from dlec_tui.cli.options import RelatedOption, home_option, json_option
from engine.jobs import queue
from engine.jobs.queue import Before, First, Last, QueuePosition


@click.command
@job_argument
@click.option(
    "--first", is_flag=True, cls=RelatedOption, excludes=("--last", "--before"), help="Move to the front of the queue."
)
@click.option("--last", is_flag=True, cls=RelatedOption, excludes=("--before",), help="Move to the end of the queue.")
@click.option("--before", metavar="ID", type=JOB_ID, help="Move directly before this job.")
@home_option
@json_option
def reorder(job_id: int, first: bool, last: bool, before: int | None, store: Path, wants_json: bool) -> None:
    """Move a job within the queue.

    The job takes the priority of its new position.
    """
    places: list[QueuePosition] = [
        *([First()] if first else []),
        *([Last()] if last else []),
        *([Before(before)] if before else []),
    ]
    if not places:
        raise click.UsageError("Give --first, --last or --before ID.")
    queue.reorder(store, job_id, places[0])
    say_changed(store, [job_id], wants_json=wants_json)
