"""Arguments of the verbs about jobs, and the loop over several jobs."""

from collections.abc import Callable, Sequence

import click
from click.shell_completion import CompletionItem

from dlec_tui.cli.failures import say_error
from dlec_tui.cli.options import WholeNumber
from dlec_tui.jobs.job_view import read_jobs
from engine.errors import DlecError, UsageError, escaped
from engine.store.location import store_path

JOB_ID = WholeNumber(1, 2**63 - 1)
"""Job number, in the range of SQLite row ids."""


def job_ids_like(ctx: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Return shell completions: job numbers with the typed prefix, latest first, with state and title."""
    try:
        snapshot = read_jobs(ctx.params.get("store") or store_path())
    except DlecError:
        return []
    jobs = sorted((stored.job for stored in snapshot.jobs), key=lambda job: -job.id)
    return [
        CompletionItem(str(job.id), help=f"{job.state_name}: {escaped(job.spec.title)}")
        for job in jobs
        if str(job.id).startswith(typed)
    ]


job_argument = click.argument("job_id", metavar="ID", type=JOB_ID, shell_complete=job_ids_like)
jobs_argument = click.argument(
    "job_ids", metavar="ID...", nargs=-1, required=True, type=JOB_ID, shell_complete=job_ids_like
)
any_jobs_argument = click.argument("job_ids", metavar="[ID]...", nargs=-1, type=JOB_ID, shell_complete=job_ids_like)


def to_each(job_ids: Sequence[int], action: Callable[[int], object]) -> tuple[list[int], list[UsageError]]:
    """Apply an action to every job; continue after failures.

    Returns the jobs that succeeded, and the errors of the others, which are printed to stderr.
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
