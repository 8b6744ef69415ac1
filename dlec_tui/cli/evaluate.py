"""`dlec eval`."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from dlec_tui.cli.measuring import device_option, dtype_option
from dlec_tui.cli.options import WholeNumber, home_option, json_option, patch_option, plan_argument, strict_option
from dlec_tui.cli.plan_file import read_plan
from dlec_tui.cli.progress import task_progress
from dlec_tui.cli.queueing import Queueing, named_plan, queue_job, queue_options
from dlec_tui.jobs.reports import eval_lines
from engine.checkpoint.find import opener
from engine.errors import NotFoundError, UsageError, shown
from engine.files import expanded
from engine.jobs.job_specs import eval_spec
from engine.jobs.settings import job_settings
from engine.tasks.measurement_options import DEFAULT
from engine.tasks.process import run_task


def _tasks(_ctx: click.Context, _parameter: click.Parameter, value: str) -> list[str]:
    """Split "a,b" and make the paths of files absolute."""
    return [_task(name.strip()) for name in value.split(",") if name.strip()]


def _task(name: str) -> str:
    """Return the absolute path if the name is a file, else the name."""
    try:
        file = expanded(name)
    except UsageError as error:
        raise click.BadParameter(error.line) from error
    return str(file.absolute()) if file.is_file() else name


def _require_files(tasks: Iterable[str]) -> None:
    """Raise NotFoundError for a task with the suffix of a file that does not exist."""
    for name in tasks:
        if name.endswith((".yaml", ".yml")) and not Path(name).is_file():
            raise NotFoundError(f"the task file {shown(name)} does not exist", where={"path": name})


@click.command("eval")
@plan_argument
@patch_option
@click.option(
    "--tasks", metavar="TASK,...", required=True, callback=_tasks, help="Names of lm-eval tasks, or task files."
)
@click.option("--limit", type=WholeNumber(1), help="Maximum number of items per task.")
@click.option("--shots", type=WholeNumber(0), help="Few-shot examples per item (default: the task's own number).")
@device_option
@dtype_option
@click.option(
    "--batch-size", type=WholeNumber(1), default=DEFAULT.batch_size, show_default=True, help="Items per batch."
)
@strict_option
@home_option
@json_option
@queue_options
def evaluate(
    plan_path: Path,
    patches: tuple[Path, ...],
    strict: bool,
    store: Path,
    wants_json: bool,
    queueing: Queueing | None,
    **options: Any,
) -> None:
    """Compare PLAN with its base model on lm-eval tasks.

    The models are compared item by item; no checkpoint is written. Requires pip install 'dlec[eval]'. Data sets are
    read from local files or the Hugging Face cache and never downloaded.
    """
    _require_files(options["tasks"])
    plan = read_plan(plan_path, opener(), store, patches=patches)
    if findings := plan.findings():
        click.echo(findings, err=True)
    named = named_plan(plan, strict=strict)
    request = {**plan.request, **options}
    if queueing:
        queue_job(eval_spec(named, request, job_settings(store)), queueing, store, wants_json=wants_json)
        return
    with task_progress("opening the model") as progress:
        answer = run_task("eval", request, progress)
    click.echo(json.dumps(answer) if wants_json else "\n".join(eval_lines(answer)))
