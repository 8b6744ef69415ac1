"""`dlec jobs start`."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from dlec_tui.cli.options import home_option, json_option
from engine.errors import shown
from engine.jobs.launch import Started, live_workers, start_workers
from engine.store.workers import Worker


@click.command
@home_option
@json_option
def start(store: Path, wants_json: bool) -> None:
    """Start workers in the background.

    Starts one worker for each slot without a worker. Workers keep running when the terminal closes, and exit after an
    idle time (idle_minutes in config.toml).
    """
    started = start_workers(store)
    new = {each.pid for each in started}
    there = [worker for worker in live_workers(store) if worker.pid not in new]
    text = "\n".join(start_lines(started, there))
    click.echo(json.dumps(_as_json(started, there)) if wants_json else text)


def start_lines(started: Sequence[Started], there: Sequence[Worker]) -> Iterator[str]:
    yield from (f"Started a worker for {each.slot}: process {each.pid}, log {shown(each.log)}" for each in started)
    yield from (f"A worker for {worker.slot} is already running: process {worker.pid}" for worker in there)
    if not started and not there:
        yield "The started workers have exited: no jobs are waiting for them."


def _as_json(started: Sequence[Started], there: Sequence[Worker]) -> dict[str, object]:
    return {
        "started": [{"slot": str(each.slot), "pid": each.pid, "log": str(each.log)} for each in started],
        "alive": [{"slot": worker.slot, "pid": worker.pid} for worker in there],
    }
