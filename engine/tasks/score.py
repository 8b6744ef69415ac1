"""Scores blocks of a checkpoint by one metric; what the store has is not measured again."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from importlib import import_module
from typing import Any, TypeAlias

from engine.errors import UsageError, shown
from engine.protocol import Report
from engine.store.database import open_for_reading, open_for_writing, transaction
from engine.store.models import save_model
from engine.store.scores import Score, find_scores, save_scores
from engine.tasks.occasion import Occasion, model_row, occasion_of
from engine.tasks.resident import model_of, sequences_of
from engine.tasks.samples import store_sample

Block: TypeAlias = tuple[int, int]
"""Layers [start, end)."""

METRICS: Mapping[str, str] = {
    "second-pass": "second_pass",
    "duplication": "duplication",
    "ablation": "ablation",
    "logit-lens": "logit_lens",
}
"""What a user calls a metric; its module in engine.inference.metrics, and its name in the store."""


def run(request: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """The task: {"model", "reference", "metric", "blocks": [[start, end], ...] or "width": [int, ...]} and a setting.

    Answer: "scores" ({"start", "end", "value", "se"}, in the order asked for), "metric", and what Occasion.described
    says. Raises UsageError for a metric or block that is none, and whatever opening and running the model raises.
    """
    metric, occasion = _metric(request["metric"]), occasion_of(request)
    blocks = _asked(request, occasion.checkpoint.layer_count)
    known = _known(occasion, metric)
    missing = [block for block in blocks if block not in known]
    if missing:
        _store_scores(occasion, metric, missing, report)
        known = _known(occasion, metric)
    scores = [{"start": start, "end": end, **known[start, end]} for start, end in blocks]
    return occasion.described(found=not missing) | {"metric": request["metric"], "scores": scores}


def _metric(name: str) -> str:
    """The name of a metric in the store. Raises UsageError for a metric that does not exist."""
    if name not in METRICS:
        raise UsageError(f"{shown(name)} is not a metric", fix=f"Metrics: {', '.join(METRICS)}.")
    return METRICS[name]


def _asked(request: Mapping[str, Any], layers: int) -> list[Block]:
    """The blocks that the request names, each once. Raises UsageError for one that does not lie in the model."""
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


def _known(occasion: Occasion, metric: str) -> dict[Block, dict[str, float | None]]:
    with closing(open_for_reading(occasion.store)) as connection:
        scores = find_scores(connection, occasion.key, metric)
    return {(score.start, score.end): {"value": score.value, "se": score.se} for score in scores}


def _store_scores(occasion: Occasion, metric: str, blocks: Sequence[Block], report: Report) -> None:
    occasion.require_writable_store()
    store_sample(occasion)
    scores = _measured(occasion, metric, blocks, report)
    with closing(open_for_writing(occasion.store)) as db, transaction(db):
        save_model(db, model_row(occasion.checkpoint))
        save_scores(db, occasion.key, scores)


def _measured(occasion: Occasion, metric: str, blocks: Sequence[Block], report: Report) -> list[Score]:
    module = import_module(f"engine.inference.metrics.{metric}")
    checkpoint, setting = occasion.checkpoint, occasion.setting
    sequences = sequences_of(checkpoint, setting)
    measured = module.measure(model_of(checkpoint, setting), sequences, blocks, setting.batch_size, report)
    return [Score(metric, start, end, found.value, found.se) for (start, end), found in measured.items()]
