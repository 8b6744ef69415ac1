"""What the verbs print that have changed jobs: the jobs as they are now."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import click

from dlec_tui.cli.failures import error_as_json
from dlec_tui.cli.jobs_data import as_json
from dlec_tui.jobs.stored import StoredJob, read_jobs, unattended
from dlec_tui.jobs.wording import detail
from engine.errors import DlecError, escaped
from engine.store.job_states import Done, Running


def say_changed(store: Path, job_ids: Sequence[int], errors: Sequence[DlecError] = (), *, wants_json: bool) -> None:
    """A line for each, or all as JSON; and whether a worker runs for those that wait now.

    errors: of the jobs that could not be changed. JSON is then an object with the first one beside the jobs.
    """
    found = read_jobs(store, job_ids)
    text = "".join(f"{line}\n" for stored in found.jobs for line in job_lines(stored, found.moment))
    data = {"error": error_as_json(errors[0]), "jobs": as_json(found)} if errors else as_json(found)
    click.echo(f"{json.dumps(data)}\n" if wants_json else text, nl=False)
    if talk := unattended(found.jobs):
        click.echo(talk, err=True)


def job_lines(stored: StoredJob, moment: datetime) -> Iterator[str]:
    """In which state it is, and what that means: "job 7 done, took 2 min: merge plan.yaml into ./out"."""
    job, state, more = stored.job, stored.job.state, detail(stored, moment)
    is_ending = isinstance(state, Running) and state.stop is not None
    name = "will end in a moment" if is_ending else job.state_name
    title = escaped(job.spec.title)
    if isinstance(state, Done):
        yield f"job {job.id} done, {more}: {title}"
        return
    yield f"job {job.id} {name}: {title}"
    if more:
        yield f"    {more}"
