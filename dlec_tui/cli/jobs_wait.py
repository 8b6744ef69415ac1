"""`dlec jobs wait`."""

import json
import math
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

import click

from dlec_tui.cli.exit_codes import JOB_CANCELLED, JOB_FAILED, REQUEUE
from dlec_tui.cli.jobs_options import any_jobs_argument
from dlec_tui.cli.jobs_output import job_lines, jobs_as_json
from dlec_tui.cli.options import Number, home_option, json_option
from dlec_tui.jobs.job_view import StoredJob, StoredJobs, open_job_ids, read_jobs, unattended
from engine.store.job_states import ENDED, Cancelled, Done, Failed, Held, Running

POLL_SECONDS = 0.5
_CODE_OF = {Done: 0, Failed: JOB_FAILED, Cancelled: JOB_CANCELLED}
_WORST_FIRST = (JOB_FAILED, JOB_CANCELLED, REQUEUE)


@click.command
@any_jobs_argument
@click.option("--timeout", metavar="SECONDS", type=Number(0), help="Maximum time to wait.")
@home_option
@json_option
@click.pass_context
def wait(ctx: click.Context, job_ids: tuple[int, ...], timeout: float | None, store: Path, wants_json: bool) -> None:
    """Wait until jobs have ended.

    Without ID, waits for all unfinished jobs. The exit code is the first of these that applies to any job:

    \b
     4  failed
     5  cancelled
    75  unfinished: timed out, held, or its worker stopped and no other is running
     0  done
    """
    ids = list(dict.fromkeys(job_ids)) or open_job_ids(store)
    deadline = math.inf if timeout is None else time.monotonic() + timeout
    narrator = Narrator(_keep_quiet if wants_json else click.echo)
    for snapshot in snapshots(store, ids, deadline):
        narrator.update(snapshot)
    narrator.report(snapshot.jobs, snapshot.moment)
    if wants_json:
        click.echo(json.dumps(jobs_as_json(snapshot)))
    ctx.exit(worst(snapshot))


def worst(snapshot: StoredJobs) -> int:
    """Return the exit code for all jobs together."""
    codes = {_CODE_OF.get(type(stored.job.state), REQUEUE) for stored in snapshot.jobs}
    return next((code for code in _WORST_FIRST if code in codes), 0)


class Narrator:
    """Prints each job and each warning once."""

    def __init__(self, say: Callable[[str], None]) -> None:
        """say: prints a line about a job. Warnings always go to stderr."""
        self._say = say
        self._reported: set[int] = set()
        self._warning = ""

    def update(self, snapshot: StoredJobs) -> None:
        """Report the jobs that have ended, and warn about jobs that no worker will run."""
        self.report((stored for stored in snapshot.jobs if isinstance(stored.job.state, ENDED)), snapshot.moment)
        warning = unattended(snapshot.jobs)
        if warning and warning != self._warning:
            click.echo(warning, err=True)
        self._warning = warning

    def report(self, jobs: Iterable[StoredJob], moment: datetime) -> None:
        """Print the state of each job that has not been printed."""
        for stored in jobs:
            if stored.job.id not in self._reported:
                self._reported.add(stored.job.id)
                self._say("\n".join(job_lines(stored, moment)))


def _keep_quiet(_line: str) -> None: ...


def snapshots(store: Path, job_ids: Sequence[int], deadline: float) -> Iterator[StoredJobs]:
    """Yield the jobs repeatedly while any of them will continue.

    deadline: end of waiting, in seconds of the monotonic clock.
    """
    started: set[int] = set()
    while True:
        snapshot = read_jobs(store, job_ids)
        started |= {stored.job.id for stored in snapshot.jobs if isinstance(stored.job.state, Running)}
        yield snapshot
        seconds_left = deadline - time.monotonic()
        if seconds_left <= 0 or not any(will_go_on(stored, started) for stored in snapshot.jobs):
            return
        time.sleep(min(POLL_SECONDS, seconds_left))


def will_go_on(stored: StoredJob, started: Collection[int]) -> bool:
    """Return True if the job will continue.

    A job that has not started may get a worker at any time. A job that lost its worker was interrupted on purpose.
    """
    if isinstance(stored.job.state, (*ENDED, Held)):
        return False
    return not (stored.needs_worker and stored.job.id in started)
