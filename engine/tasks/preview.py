"""Preview of a plan: base and plan predict the same text, and the difference is stored with its interval."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Any

from engine.checkpoint.find import opener
from engine.numbers.intervals import Interval, mean_interval
from engine.plan.check import check_plan
from engine.plan.outputs import CONFIG_DTYPES
from engine.plan.patches import open_patches, with_patches_noted
from engine.plan.rules import CheckContext
from engine.plan.stack import Stack
from engine.protocol import Report
from engine.store.database import open_for_reading, open_for_writing, transaction
from engine.store.models import save_model
from engine.store.previews import PlanUsed, PreviewResult, find_preview, save_plan, save_preview
from engine.tasks.base_check import base_answer, check_base
from engine.tasks.measurement import MeasurementContext, model_row, store_sample
from engine.tasks.measurement_options import MeasurementOptions, auto_dtype, options_from
from engine.tasks.resident import model_of, models_of, sequences_of
from engine.tasks.stages import Stages

_STAGES = 2
"""Prediction by base and plan, and the check of the base."""
_NO_INTERVAL = Interval(math.nan, math.nan, math.nan, math.nan, 0)
_MOST_NATS = 700.0
"""Maximum NLL whose perplexity a float can hold."""


def run(request: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Run the task. Request: {"plan": text, "patches": paths (optional)} and the measurement options. The base is the
    model that gives the plan its config.

    Answer: "base" and "plan" ({"nll", "perplexity"}), "delta_nll" (plan minus base, nats a token), "delta_nll_se" and
    "interval95" over sequences, "kl" (base to plan, nats a token), "top1_agreement", "tokens", "sequences", "split",
    "not_finite" ({"base", "plan"}: tokens for which NaN or infinity was computed; all differences are then null),
    "base_check" (see base_answer), and the keys of MeasurementContext.described. Raises PlanError for a plan that
    cannot be run, and whatever opening and running the models raises.
    """
    stack = compiled(request)
    text = with_patches_noted(request["plan"], stack.patches)
    context = plan_context(stack, options_from(request))
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    known = _known(context, sha256)
    if known is None:
        _store_preview(context, stack, PlanUsed(sha256, text, request.get("justification", "")), report)
    result = known or _known(context, sha256)
    assert result is not None
    return context.described(is_stored=known is not None) | as_answer(result)


def compiled(request: Mapping[str, Any]) -> Stack:
    """Return the stack of a request's "plan" and "patches" (paths; optional). Raises PlanError if it cannot be run."""
    context = CheckContext(patches=open_patches(request.get("patches", ())))
    return check_plan(request["plan"], opener(), context).require_stack()


def plan_context(stack: Stack, options: MeasurementOptions) -> MeasurementContext:
    """Return the context of the base, in the dtype in which the merged model would be opened."""
    base = stack.config_donor
    others = tuple(checkpoint for checkpoint in stack.checkpoints if checkpoint is not base)
    written = stack.out_dtype or stack.dtype
    if options.dtype == "auto" and written:
        options = replace(options, dtype=auto_dtype(CONFIG_DTYPES[written], options.device, base.parameters))
    return MeasurementContext(base, options, others)


def as_answer(result: PreviewResult) -> dict[str, Any]:
    is_number = math.isfinite(result.delta_nll)
    return {
        "tokens": result.tokens,
        "sequences": result.sequences,
        "base": _likelihood(result.base_nll),
        "plan": _likelihood(result.plan_nll),
        "delta_nll": result.delta_nll if is_number else None,
        "delta_nll_se": result.se if is_number else None,
        "interval95": [result.low, result.high] if is_number else None,
        "kl": result.kl if is_number else None,
        "top1_agreement": result.top1_agreement if is_number else None,
        "split": result.split,
        "not_finite": {"base": result.base_not_finite, "plan": result.plan_not_finite},
        "base_check": base_answer(result.check, result.base_nll),
    }


def plan_model(stack: Stack, context: MeasurementContext) -> Any:
    """Return the virtual model of the plan over the resident models of its checkpoints."""
    from engine.inference.virtual import virtual_model

    return virtual_model(stack, models_of(stack.checkpoints, replace(context.options, dtype=context.dtype)))


def _known(context: MeasurementContext, sha256: str) -> PreviewResult | None:
    with closing(open_for_reading(context.store)) as connection:
        return find_preview(connection, sha256, context.key)


def _store_preview(context: MeasurementContext, stack: Stack, plan: PlanUsed, report: Report) -> None:
    context.require_writable_store()
    store_sample(context)
    result = _measured(context, stack, plan.plan_sha256, report)
    with closing(open_for_writing(context.store)) as db, transaction(db):
        save_model(db, model_row(context.checkpoint))
        save_plan(db, plan)
        save_preview(db, result)


def _measured(context: MeasurementContext, stack: Stack, sha256: str, report: Report) -> PreviewResult:
    from engine.inference.likelihood import compare

    options = context.options
    sequences = sequences_of(context.checkpoint, options)
    plan, base = plan_model(stack, context), model_of(context.checkpoint, options)
    stages = Stages(report, _STAGES)
    comparison = compare(base, plan, sequences, options.batch_size, stages.next())
    stages.next()(0, 1, "checking the base")
    run_base = partial(_nll_of_batches, base, options.batch_size)
    check_base(context, run_base, comparison.base_token_nll)
    deltas = [after - before for before, after in zip(comparison.base_nll, comparison.plan_nll, strict=True)]
    interval = mean_interval(deltas) if all(map(math.isfinite, deltas)) else _NO_INTERVAL
    return PreviewResult(
        plan_sha256=sha256,
        key=context.key,
        base_nll=_mean(comparison.base_nll),
        plan_nll=_mean(comparison.plan_nll),
        delta_nll=interval.mean,
        se=interval.se,
        low=interval.low,
        high=interval.high,
        kl=comparison.kl,
        top1_agreement=comparison.top1_agreement,
        tokens=comparison.tokens,
        sequences=len(comparison.base_nll),
        base_not_finite=comparison.base_not_finite,
        plan_not_finite=comparison.plan_not_finite,
    )


def _nll_of_batches(model: Any, batch_size: int, batches: Sequence[Any]) -> list[Any]:
    from engine.inference.likelihood import token_nll

    return [token_nll(model, batch, batch_size) for batch in batches]


def _likelihood(nll: float) -> dict[str, float | None]:
    """Return NLL in nats per token and perplexity; null if not finite."""
    if not math.isfinite(nll):
        return {"nll": None, "perplexity": None}
    return {"nll": nll, "perplexity": math.exp(min(nll, _MOST_NATS))}


def _mean(values: list[float]) -> float:
    return math.fsum(values) / len(values) if all(map(math.isfinite, values)) else math.nan
