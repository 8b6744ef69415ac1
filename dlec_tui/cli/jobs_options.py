"""What the verbs about jobs have in common: their arguments, and how they do something to each of several jobs."""

from collections.abc import Callable, Sequence
from pathlib import Path

import click

from dlec_tui.cli.exit_codes import code_of, say_error
from engine.errors import UsageError
from engine.store.location import store_path

JOB_ID = click.IntRange(1, 2**63 - 1)
"""What SQLite takes for a row."""


def _store(_ctx: click.Context, _parameter: click.Parameter, home: Path | None) -> Path:
    return store_path(None if home is None else home.absolute())


home_option = click.option(
    "--home",
    "store",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    callback=_store,
    help="Of the store.",
)
job_argument = click.argument("job_id", metavar="ID", type=JOB_ID)
jobs_argument = click.argument("job_ids", metavar="ID...", nargs=-1, required=True, type=JOB_ID)
any_jobs_argument = click.argument("job_ids", metavar="[ID]...", nargs=-1, type=JOB_ID)


def to_each(job_ids: Sequence[int], action: Callable[[int], object]) -> tuple[list[int], int]:
    """Do something to every job; one that cannot be done does not keep the others from it.

    Gives the jobs to which it was done, and the exit code.
    """
    done: list[int] = []
    code = 0
    for job_id in dict.fromkeys(job_ids):
        try:
            action(job_id)
            done.append(job_id)
        except UsageError as error:
            say_error(str(error))
            code = code_of(error)
    return done, code
