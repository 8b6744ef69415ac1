"""`dlec download`."""

import json
from pathlib import Path

import click

from dlec_tui.cli.options import home_option, json_option
from dlec_tui.cli.progress import byte_progress
from dlec_tui.cli.queueing import Queueing, queue_job, queue_options
from engine.errors import shown
from engine.jobs.job_specs import download_spec
from engine.tasks.process import TASK_MODULE, EngineProcess
from engine.units import byte_size


@click.command
@click.argument("reference", metavar="ORG/NAME")
@home_option
@json_option
@queue_options
def download(reference: str, store: Path, wants_json: bool, queueing: Queueing | None) -> None:
    """Download a model from the Hugging Face Hub.

    ORG/NAME@REVISION selects a revision. The model is stored in the Hugging Face cache, and its directory is printed.
    If a download is interrupted, the same command resumes it.
    """
    if queueing:
        queue_job(download_spec(reference), queueing, store, wants_json=wants_json)
        return
    request = {"task": "download", "request": {"reference": reference}}
    # Separate process: the hub's threads would delay Ctrl-C until their files are complete.
    with (
        byte_progress("downloading") as advance,
        EngineProcess([TASK_MODULE, "download"], None, online=True) as process,
    ):
        answer = process.answer(request, lambda done, total, _what: advance(done, total))
    size = byte_size(answer["bytes"])
    click.echo(json.dumps(answer) if wants_json else f"{shown(reference)}: {size} in {shown(answer['directory'])}")
