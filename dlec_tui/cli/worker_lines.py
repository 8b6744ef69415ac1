"""What a worker in the foreground prints: a line when a job begins, and one when it ends."""

import json
from collections.abc import Callable
from datetime import datetime

import click

from dlec_tui.cli.failures import forget_stdout
from dlec_tui.wording import duration
from engine.errors import escaped
from engine.protocol import from_data
from engine.store.job_states import Cancelled, Done, Failed, Waiting, as_text, now
from engine.store.jobs import Job


class Teller:
    """A Listener that prints. Nobody has to be there to read it: a job must not fall with the terminal."""

    def __init__(self, line: Callable[[Job, datetime], str]) -> None:
        """line: puts a job as it is now into words."""
        self.has_failed = False
        self._line = line

    def begun(self, job: Job) -> None:
        self._say(job)

    def ended(self, job: Job) -> None:
        self.has_failed |= isinstance(job.state, Failed)
        self._say(job)

    def _say(self, job: Job) -> None:
        try:
            click.echo(self._line(job, now()))
        except OSError:
            forget_stdout()


def text_line(job: Job, moment: datetime) -> str:
    """In the user's time: "14:03:12  job 7 done after 2 min: merge plan.yaml into ./out"."""
    return f"{moment.astimezone():%H:%M:%S}  job {job.id} {_event(job)}"


def json_line(job: Job, moment: datetime) -> str:
    error = dict(job.state.error) if isinstance(job.state, Failed) else None
    what = {"id": job.id, "state": job.state_name, "title": job.spec.title, "error": error}
    return json.dumps({"at": as_text(moment), **what})


def _event(job: Job) -> str:
    title = escaped(job.spec.title)
    match job.state:
        case Done(started_at, ended_at):
            return f"done after {duration((ended_at - started_at).total_seconds())}: {title}"
        case Failed(started_at, ended_at, error):
            after = duration((ended_at - started_at).total_seconds())
            return f"failed after {after}: {title}\n          {escaped(from_data(error).line)}"
        case Cancelled():
            return f"cancelled: {title}"
        case Waiting():
            return f"returned to the queue: {title}"
        case _:
            return f"started: {title}"
