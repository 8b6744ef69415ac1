"""`dlec eval`: a plan and its base through lm-eval's tasks, without a merge."""

import json
from pathlib import Path
from typing import Any

import click

from dlec_tui.cli.measuring import device_option, dtype_option
from dlec_tui.cli.options import json_option, plan_argument, strict_option
from dlec_tui.cli.plan_file import read_plan
from dlec_tui.cli.queueing import Queueing, named_plan, queue_options, queue_order
from dlec_tui.cli.screen import task_progress
from dlec_tui.jobs.eval_wording import eval_lines
from engine.checkpoint.find import opener
from engine.jobs.orders import eval_order
from engine.jobs.settings import job_settings
from engine.store.location import store_path
from engine.tasks.child import run_task
from engine.tasks.setting import DEFAULT


def _tasks(_ctx: click.Context, _parameter: click.Parameter, value: str) -> list[str]:
    """a,b with the paths of files made absolute."""
    names = [name.strip() for name in value.split(",") if name.strip()]
    return [str(Path(name).absolute()) if Path(name).is_file() else name for name in names]


@click.command("eval")
@plan_argument
@click.option(
    "--tasks", metavar="TASK,...", required=True, callback=_tasks, help="Names that lm-eval knows, and task files."
)
@click.option("--limit", type=click.IntRange(1), help="Items of each task, at most.")
@click.option("--shots", type=click.IntRange(0), help="Examples before each item (default: as the task says).")
@device_option
@dtype_option
@click.option(
    "--batch-size", type=click.IntRange(1), default=DEFAULT.batch_size, show_default=True, help="Items at once."
)
@strict_option
@json_option
@queue_options
def evaluate(plan_path: Path, strict: bool, wants_json: bool, queueing: Queueing | None, **options: Any) -> None:
    """Let PLAN and its base answer the same tasks of lm-eval, and compare them item by item.

    Needs the extra: pip install 'dlec[eval]'. Data sets come from local files or the cache, never from the network.
    """
    plan = read_plan(plan_path, opener())
    if findings := plan.findings():
        click.echo(findings, err=True)
    named = named_plan(plan, strict=strict)
    request = {"plan": plan.checked.text, **options}
    if queueing:
        store = store_path()
        queue_order(eval_order(named, request, job_settings(store)), queueing, store, wants_json=wants_json)
        return
    with task_progress("opening the model") as progress:
        found = run_task("eval", request, progress)
    click.echo(json.dumps(found) if wants_json else "\n".join(eval_lines(found)))
