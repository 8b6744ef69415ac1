"""Scores of the blocks of a checkpoint by one metric; stored scores are not measured again."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from importlib import import_module
from typing import Any, TypeAlias

from engine.errors import UsageError, shown
from engine.protocol import Report
from engine.store.database import open_for_reading, open_for_writing, transaction
from engine.store.models import save_model
from engine.store.scores import Score, find_scores, save_scores
from engine.tasks.measurement import MeasurementContext, measurement_context, model_row, store_sample
from engine.tasks.resident import model_of, sequences_of

Block: TypeAlias = tuple[int, int]
"""Layers [start, end)."""

METRICS: Mapping[str, str] = {
    "second-pass": "second_pass",
    "duplication": "duplication",
    "ablation": "ablation",
    "logit-lens": "logit_lens",
}
"""Name of each metric in the interface; its module in engine.inference.metrics, and its name in the store."""


def run(request: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Run the task. Request: {"model", "reference", "metric", "blocks": [[start, end], ...] or "width": [int, ...]} and
    the measurement options.

    Answer: "scores" ({"start", "end", "value", "se"}, in the order of the request), "metric", and the keys of
    MeasurementContext.described. Raises UsageError for an unknown metric or block, and whatever opening and running the
    model raises.
    """
    metric, context = _metric(request["metric"]), measurement_context(request)
    blocks = _blocks(request, context.checkpoint.layer_count)
    known = _known(context, metric)
    missing = [block for block in blocks if block not in known]
    if missing:
        _store_scores(context, metric, missing, report)
        known = _known(context, metric)
    scores = [{"start": start, "end": end, **known[start, end]} for start, end in blocks]
    return context.described(is_stored=not missing) | {"metric": request["metric"], "scores": scores}


def _metric(name: str) -> str:
    """Return the name of a metric in the store. Raises UsageError for a metric that does not exist."""
    if name not in METRICS:
        raise UsageError(f"{shown(name)} is not a metric", fix=f"Metrics: {', '.join(METRICS)}.")
    return METRICS[name]


def _blocks(request: Mapping[str, Any], layers: int) -> list[Block]:
    """Return the blocks of the request, each once. Raises UsageError for one outside the model."""
    named = [(start, end) for start, end in request.get("blocks", ())]
    of_width = [(start, start + width) for width in request.get("width", ()) for start in range(layers - width + 1)]
    blocks = list(dict.fromkeys([*named, *of_width]))
    if wrong := [(start, end) for start, end in blocks if not 0 <= start < end <= layers]:
        start, end = wrong[0]
        fix = "Give START:END, the end exclusive."
        raise UsageError(f"{start}:{end} is not a block of layers", why=f"there are layers 0 to {layers - 1}", fix=fix)
    if not blocks:
        raise UsageError("there is no such block", why=f"the model has {layers} layers", fix="Use a smaller --width.")
    return blocks


def _known(context: MeasurementContext, metric: str) -> dict[Block, dict[str, float | None]]:
    with closing(open_for_reading(context.store)) as connection:
        scores = find_scores(connection, context.key, metric)
    return {(score.start, score.end): {"value": score.value, "se": score.se} for score in scores}


def _store_scores(context: MeasurementContext, metric: str, blocks: Sequence[Block], report: Report) -> None:
    context.require_writable_store()
    store_sample(context)
    scores = _measured(context, metric, blocks, report)
    with closing(open_for_writing(context.store)) as db, transaction(db):
        save_model(db, model_row(context.checkpoint))
        save_scores(db, context.key, scores)


def _measured(context: MeasurementContext, metric: str, blocks: Sequence[Block], report: Report) -> list[Score]:
    module = import_module(f"engine.inference.metrics.{metric}")
    checkpoint, options = context.checkpoint, context.options
    sequences = sequences_of(checkpoint, options)
    measured = module.measure(model_of(checkpoint, options), sequences, blocks, options.batch_size, report)
    return [Score(metric, start, end, each.value, each.se) for (start, end), each in measured.items()]
