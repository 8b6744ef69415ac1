"""`dlec preview`."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from dlec_tui.cli.exit_codes import HAS_ERRORS
from dlec_tui.cli.measuring import measurement_of, measuring_options, store_of
from dlec_tui.cli.options import patch_option, plan_argument, strict_option
from dlec_tui.cli.plan_file import PlanFile, read_plan
from dlec_tui.cli.progress import task_progress
from dlec_tui.cli.queueing import Queueing, named_plan, queue_job, queue_options
from dlec_tui.jobs.reports import agreement, base_lines, both_models, measured_on, verdict
from engine.checkpoint.find import opener
from engine.jobs.job_specs import preview_spec
from engine.jobs.settings import job_settings
from engine.tasks.measurement_options import MeasurementOptions, as_request
from engine.tasks.process import run_task
from engine.text.corpus import Split

PUBLISHED = (
    *("tokens", "sequences", "base", "plan", "delta_nll", "delta_nll_se", "interval95"),
    *("kl", "top1_agreement", "split", "not_finite", "base_check", "sample"),
)
"""Public fields of a preview."""


@click.command
@plan_argument
@patch_option
@measuring_options(Split.HELDOUT)
@strict_option
@queue_options
def preview(
    plan_path: Path,
    patches: tuple[Path, ...],
    strict: bool,
    wants_json: bool,
    queueing: Queueing | None,
    **options: Any,
) -> None:
    """Compare PLAN with its base model on a text.

    PLAN runs as a virtual model over the weights of its base; no checkpoint is written. The comparison gives the change
    in NLL and perplexity with a 95 % interval, the KL divergence and the top-1 agreement.
    """
    plan = read_plan(plan_path, opener(), options["store"], patches=patches)
    if findings := plan.findings():
        click.echo(findings, err=True)
    measurement = measurement_of(options)
    if queueing:
        store = store_of(measurement)
        request = preview_request(plan, measurement)
        spec = preview_spec(named_plan(plan, strict=strict), request, job_settings(store))
        queue_job(spec, queueing, store, wants_json=wants_json)
        return
    answer = preview_plan(plan, measurement, strict=strict)
    click.echo(json.dumps(published(answer)) if wants_json else "\n".join(preview_lines(answer)))
    if answer["delta_nll"] is None:
        click.get_current_context().exit(HAS_ERRORS)


def preview_plan(plan: PlanFile, measurement: MeasurementOptions, *, strict: bool = False) -> dict[str, Any]:
    """Run the preview task. Raises PlanError for a refused plan, and the errors of the task."""
    plan.stack(strict=strict)
    with task_progress("opening the model") as progress:
        return run_task("preview", preview_request(plan, measurement), progress)


def preview_request(plan: PlanFile, measurement: MeasurementOptions) -> dict[str, Any]:
    return as_request(measurement) | plan.request


def published(answer: Mapping[str, Any]) -> dict[str, Any]:
    return {name: answer[name] for name in PUBLISHED}


def preview_lines(answer: Mapping[str, Any]) -> Iterator[str]:
    """Yield the figures of both models, the verdict, and the sample."""
    yield from both_models(answer)
    yield click.style(verdict(answer), bold=True)
    yield from base_lines(answer)
    yield from filter(None, [agreement(answer)])
    yield measured_on(answer)
