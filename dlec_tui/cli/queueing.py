"""The option --queue, and the submission of a job."""

import json
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import Any, TypeAlias

import click

from dlec_tui.cli.options import RelatedOption, WholeNumber
from dlec_tui.cli.plan_file import PlanFile
from engine.errors import escaped
from engine.jobs.job_specs import NamedPlan
from engine.jobs.launch import live_workers
from engine.jobs.queue import submit
from engine.jobs.scheduling import why_waiting
from engine.jobs.settings import job_settings
from engine.jobs.slots import fits, parse_slot
from engine.store.database import open_for_reading
from engine.store.job_states import Waiting
from engine.store.jobs import JobSpec, jobs_in

Command: TypeAlias = Callable[..., None]


def _priority_option(**settings: Any) -> Callable[[Command], Command]:
    what = "Priority of the job; higher runs first (default: 0)."
    return click.option("--priority", metavar="N", type=WholeNumber(-999, 999), help=what, **settings)


priority_option = _priority_option()


@dataclass(frozen=True, slots=True)
class Queueing:
    """Options of a job to queue."""

    priority: int = 0
    """Higher goes first."""


def queue_options(command: Command) -> Command:
    """Add --queue and --priority. The verb receives `queueing`, or None if it is to run now."""

    @_priority_option(cls=RelatedOption, needs=("--queue",))
    @click.option(
        "--queue",
        "is_queued",
        is_flag=True,
        help="Add the job to the queue instead of running it now.",
    )
    @wraps(command)
    def with_queueing(*arguments: Any, is_queued: bool, priority: int | None, **options: Any) -> None:
        command(*arguments, queueing=Queueing(priority or 0) if is_queued else None, **options)

    return with_queueing


def named_plan(plan: PlanFile, *, strict: bool) -> NamedPlan:
    """The plan as job specs need it. Raises PlanError when a problem forbids running it."""
    return NamedPlan(plan.path.name, plan.checked.text, plan.stack(strict=strict), Path.cwd())


def queue_job(spec: JobSpec, queueing: Queueing, store: Path, *, wants_json: bool) -> None:
    """Submit a job and print which job it became."""
    [job_id] = submit(store, [replace(spec, priority=queueing.priority)])
    click.echo(json.dumps({"job": job_id}) if wants_json else f"Queued job {job_id}: {escaped(spec.title)}")
    hint_at_workers(store, [job_id])


def hint_at_workers(store: Path, job_ids: Sequence[int]) -> None:
    """Say on stderr why these new jobs, which want the same slot, will wait, where no worker is there for them."""
    manned = [parse_slot(worker.slot) for worker in live_workers(store)]
    with closing(open_for_reading(store)) as connection:
        waiting = jobs_in(connection, Waiting)
    job = next((job for job in waiting if job.id in job_ids), None)
    if job is not None and not any(fits(job.spec.slot, slot) for slot in manned):
        click.echo(why_waiting(job, waiting, job_settings(store).slots, manned), err=True)
