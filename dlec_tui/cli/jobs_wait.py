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
    give_up = math.inf if timeout is None else time.monotonic() + timeout
    narration = Narration(_keep_quiet if wants_json else click.echo)
    for found in looks(store, ids, give_up):
        narration.hear(found)
    narration.tell(found.jobs, found.moment)
    if wants_json:
        click.echo(json.dumps(jobs_as_json(found)))
    ctx.exit(worst(found))


def worst(found: StoredJobs) -> int:
    """The exit code that stands for all of the jobs."""
    codes = {_CODE_OF.get(type(stored.job.state), REQUEUE) for stored in found.jobs}
    return next((code for code in _WORST_FIRST if code in codes), 0)


class Narration:
    """Says what is new, each thing once."""

    def __init__(self, say: Callable[[str], None]) -> None:
        """say: prints a line about a job; warnings go to stderr in any case."""
        self._say = say
        self._told: set[int] = set()
        self._warning = ""

    def hear(self, found: StoredJobs) -> None:
        """Tell which jobs have ended, and warn when nobody will take some."""
        self.tell((stored for stored in found.jobs if isinstance(stored.job.state, ENDED)), found.moment)
        warning = unattended(found.jobs)
        if warning and warning != self._warning:
            click.echo(warning, err=True)
        self._warning = warning

    def tell(self, jobs: Iterable[StoredJob], moment: datetime) -> None:
        """How each of the jobs stands, unless that was told."""
        for stored in jobs:
            if stored.job.id not in self._told:
                self._told.add(stored.job.id)
                self._say("\n".join(job_lines(stored, moment)))


def _keep_quiet(_line: str) -> None: ...


def looks(store: Path, job_ids: Sequence[int], give_up: float) -> Iterator[StoredJobs]:
    """The jobs again and again, as long as there is something to wait for.

    give_up: when to stop all the same, in seconds of the monotonic clock.
    """
    begun: set[int] = set()
    while True:
        found = read_jobs(store, job_ids)
        begun |= {stored.job.id for stored in found.jobs if isinstance(stored.job.state, Running)}
        yield found
        seconds_left = give_up - time.monotonic()
        if seconds_left <= 0 or not any(will_go_on(stored, begun) for stored in found.jobs):
            return
        time.sleep(min(POLL_SECONDS, seconds_left))


def will_go_on(stored: StoredJob, begun: Collection[int]) -> bool:
    """Whether the job is worth waiting for.

    For one that was never begun a worker may be started any time; one that has lost its worker was told to stop.
    """
    if isinstance(stored.job.state, (*ENDED, Held)):
        return False
    return not (stored.needs_worker and stored.job.id in begun)
