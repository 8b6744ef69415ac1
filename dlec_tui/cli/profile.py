"""`dlec profile`."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from dlec_tui.charts import layer_curves
from dlec_tui.cli.charts import chart_size
from dlec_tui.cli.measuring import measurement_of, measuring_options, store_of
from dlec_tui.cli.progress import task_progress
from dlec_tui.cli.queueing import Queueing, queue_job, queue_options
from dlec_tui.jobs.reports import measured_on
from dlec_tui.measurements.plots import profile_curves
from engine.checkpoint.checkpoint import Checkpoint, require_local
from engine.checkpoint.find import opener
from engine.errors import shown
from engine.jobs.job_specs import profile_spec
from engine.jobs.settings import job_settings
from engine.store.profiles import LayerStatistics
from engine.tasks.measurement_options import MeasurementOptions, request_for
from engine.tasks.process import run_task
from engine.text.corpus import Split
from engine.units import plural


@click.command
@click.argument("model")
@measuring_options(Split.SELECTION)
@queue_options
def profile(model: str, wants_json: bool, queueing: Queueing | None, **options: Any) -> None:
    """Measure every layer of MODEL in one forward pass.

    The profile holds block influence, relative update and norms of each layer, the angular distance of every block, and
    activation statistics of every MLP neuron. It is kept in the store and reused.
    """
    checkpoint, measurement = opener()(model), measurement_of(options)
    if queueing:
        store = store_of(measurement)
        spec = profile_spec(checkpoint, request_for(checkpoint, measurement), job_settings(store))
        queue_job(spec, queueing, store, wants_json=wants_json)
        return
    answer = profile_model(checkpoint, measurement)
    click.echo(json.dumps(answer) if wants_json else "\n".join(profile_lines(answer)))


def profile_model(checkpoint: Checkpoint, measurement: MeasurementOptions) -> dict[str, Any]:
    """Run the profile task."""
    require_local(checkpoint)
    with task_progress("opening the model") as progress:
        return run_task("profile", request_for(checkpoint, measurement), progress)


def profile_lines(answer: Mapping[str, Any]) -> Iterator[str]:
    """Yield a chart over depth, a table of layers, and the sample."""
    layers = [statistics_of(each) for each in answer["layers"]]
    yield f"{shown(answer['reference'])}: {plural(len(layers), 'layer')}"
    if curves := list(profile_curves(layers)):
        yield layer_curves(curves, len(layers), *chart_size())
    yield from layer_table(layers)
    yield measured_on(answer)


def statistics_of(layer: Mapping[str, float | None]) -> LayerStatistics:
    """Return the statistics of one layer; null becomes NaN."""
    known: dict[str, Any] = {name: math.nan if value is None else value for name, value in layer.items()}
    return LayerStatistics(**known)


def layer_table(layers: Sequence[LayerStatistics]) -> Iterator[str]:
    """Yield one line per layer: block influence, relative update and norms."""
    yield "layer  influence  rel. update  update norm  input norm"
    for each in layers:
        yield (
            f"{each.layer:>5}  {each.block_influence:>9.4f}  {each.relative_update:>11.4f}  "
            f"{each.update_norm:>11.2f}  {each.input_norm:>10.2f}"
        )
