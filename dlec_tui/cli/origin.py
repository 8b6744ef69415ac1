"""`dlec origin`."""

import json
from pathlib import Path

import click

from dlec_tui.cli.exit_codes import HAS_ERRORS
from dlec_tui.cli.options import home_option, json_option
from dlec_tui.cli.plan_file import file_options, write_plan
from dlec_tui.cli.progress import task_progress
from dlec_tui.cli.queueing import Queueing, queue_job, queue_options


@click.command
@click.argument("model", metavar="MODEL")
@click.option(
    "--base", "bases", metavar="MODEL", multiple=True, required=True, help="Checkpoint to look in (repeatable)."
)
@file_options()
@home_option
@json_option
@queue_options
@click.pass_context
def origin(
    ctx: click.Context,
    model: str,
    bases: tuple[str, ...],
    out: Path | None,
    force: bool,
    store: Path,
    wants_json: bool,
    queueing: Queueing | None,
) -> None:
    """Find the layers of the bases that MODEL was stacked from, by its weights.

    Prints the origin of each layer, and a plan that makes MODEL again. Layers that were trained since are recognised by
    their correlation.
    """
    from dlec_tui.jobs.comparison_report import origin_lines
    from engine.jobs.job_specs import origin_spec
    from engine.tasks import origin as task

    request = {"model": model, "bases": list(bases)}
    if queueing:
        queue_job(origin_spec(request), queueing, store, wants_json=wants_json)
        return
    with task_progress("reading") as report:
        answer = task.run(request, report)
    plan = answer["plan"]
    if out and plan:
        write_plan(out, plan, overwrite=force)
    text = "\n".join([*origin_lines(answer), *(["", plan.rstrip()] if plan and not out else [])])
    click.echo(json.dumps(answer) if wants_json else text)
    ctx.exit(0 if plan else HAS_ERRORS)
