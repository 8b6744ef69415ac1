"""`dlec score`."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import click

from dlec_tui.charts import MOST_CURVES, layer_curves
from dlec_tui.cli.charts import chart_size
from dlec_tui.cli.measuring import measurement_of, measuring_options, store_of
from dlec_tui.cli.options import RelatedOption
from dlec_tui.cli.progress import task_progress
from dlec_tui.cli.queueing import Queueing, queue_job, queue_options
from dlec_tui.jobs.reports import measured_on, score_table
from dlec_tui.measurements.plots import score_curves
from engine.checkpoint.checkpoint import Checkpoint, require_local
from engine.checkpoint.find import opener
from engine.errors import shown
from engine.jobs.job_specs import score_spec
from engine.jobs.settings import job_settings
from engine.store.scores import Score
from engine.tasks.measurement_options import request_for
from engine.tasks.process import run_task
from engine.tasks.score import METRICS, Block
from engine.text.corpus import Split
from engine.units import plural


def _widths(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> list[int]:
    """Parse "1,4"."""
    try:
        return [int(width) for width in value.split(",")] if value else []
    except ValueError as error:
        raise click.BadParameter(f"{shown(value)} is not a list of numbers such as 1,4") from error


def _blocks(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> list[Block]:
    """Parse "12:17,3:5" into pairs."""
    try:
        pairs = [block.split(":") for block in value.split(",")] if value else []
        return [(int(start), int(end)) for start, end in pairs]
    except ValueError as error:
        raise click.BadParameter(f"{shown(value)} is not a list of blocks such as 12:17,3:5") from error


@click.command
@click.argument("model")
@click.option("--metric", type=click.Choice([*METRICS]), required=True, help="Metric to compute.")
@click.option(
    "--width",
    metavar="N,...",
    callback=_widths,
    help="Block lengths in layers; all blocks of these lengths are scored (default: 1).",
)
@click.option(
    "--blocks",
    metavar="START:END,...",
    callback=_blocks,
    cls=RelatedOption,
    excludes=("--width",),
    help="Blocks to score, END exclusive.",
)
@measuring_options(Split.SELECTION)
@queue_options
def score(
    model: str,
    metric: str,
    width: list[int],
    blocks: list[Block],
    wants_json: bool,
    queueing: Queueing | None,
    **options: Any,
) -> None:
    """Score layers or blocks of MODEL with a metric.

    Scores are kept in the store and reused. NLL is the negative log-likelihood per token.

    \b
    second-pass   change of a block's output on a second pass; cheap, the best predictor of duplication
    duplication   NLL with the block repeated, minus the baseline
    ablation      NLL without the block, minus the baseline
    logit-lens    KL divergence from the final prediction to the prediction after this layer
    """
    checkpoint, measurement = opener()(model), measurement_of(options)
    what = {"blocks": blocks} if blocks else {"width": width or [1]}
    request = request_for(checkpoint, measurement) | {"metric": metric, **what}
    if queueing:
        store = store_of(measurement)
        spec = score_spec(checkpoint, request, job_settings(store))
        queue_job(spec, queueing, store, wants_json=wants_json)
        return
    answer = scored(checkpoint, request)
    click.echo(json.dumps(answer) if wants_json else "\n".join(score_lines(answer, checkpoint.layer_count)))


def scored(checkpoint: Checkpoint, request: Mapping[str, Any]) -> dict[str, Any]:
    """Run the score task."""
    require_local(checkpoint)
    with task_progress("opening the model") as progress:
        return run_task("score", request, progress)


def score_lines(answer: Mapping[str, Any], layers: int) -> Iterator[str]:
    """Yield a chart if the metric has one, the lowest scores, and the sample."""
    scores = answer["scores"]
    yield f"{answer['metric']} of {plural(len(scores), 'block')} of {shown(answer['reference'])}"
    if curves := list(score_curves(Score(answer["metric"], **each) for each in scores)):
        yield layer_curves(curves[:MOST_CURVES], layers, *chart_size())
    yield from score_table(scores)
    yield measured_on(answer)
