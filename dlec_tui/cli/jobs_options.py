"""What the verbs about jobs have in common: their arguments, and how they do something to each of several jobs."""

from collections.abc import Callable, Sequence

import click

from dlec_tui.cli.failures import say_error
from dlec_tui.cli.options import WholeNumber
from engine.errors import UsageError

JOB_ID = WholeNumber(1, 2**63 - 1)
"""What SQLite takes for a row."""


job_argument = click.argument("job_id", metavar="ID", type=JOB_ID)
jobs_argument = click.argument("job_ids", metavar="ID...", nargs=-1, required=True, type=JOB_ID)
any_jobs_argument = click.argument("job_ids", metavar="[ID]...", nargs=-1, type=JOB_ID)


def to_each(job_ids: Sequence[int], action: Callable[[int], object]) -> tuple[list[int], list[UsageError]]:
    """Do something to every job; a job with which that fails does not keep the others from it.

    Gives the jobs to which it was done, and the errors of the others, which stderr has been told.
    """
    done: list[int] = []
    errors: list[UsageError] = []
    for job_id in dict.fromkeys(job_ids):
        try:
            action(job_id)
            done.append(job_id)
        except UsageError as error:
            say_error(str(error))
            errors.append(error)
    return done, errors
