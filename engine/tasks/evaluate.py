"""Evaluation of a plan and its base with lm-eval's tasks, item by item."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

from engine.numbers.intervals import MIN_SEQUENCES
from engine.numbers.paired import mcnemar, paired_difference
from engine.protocol import Report
from engine.store.database import open_for_reading
from engine.store.samples import find_base_check
from engine.tasks.base_check import base_answer, check_base
from engine.tasks.measurement import MeasurementContext
from engine.tasks.measurement_options import options_from
from engine.tasks.preview import compiled, plan_context, plan_model
from engine.tasks.resident import model_of, tokenizer_of

if TYPE_CHECKING:
    from engine.inference.evaluation import Evaluation


def run(request: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Run the task. Request: {"plan": text, "patches": paths (optional), "tasks": names and task files, "limit",
    "shots"}, and of the measurement options "dtype", "device" and "batch_size".

    Answer: "reference", "dtype", "limit", and "figures": for each task and metric "base", "base_se", "plan", "plan_se",
    "items", and paired over the items "delta", "p" ("test" says by which: McNemar's exact test where items are right
    or wrong, else a t-test), and where they are "only_base" and "only_plan"; "base_check" (see base_answer), on the
    built-in text. Raises PlanError for a plan that cannot be
    run, MachineError where lm-eval is missing, UsageError for tasks that it does not know.
    """
    from engine.inference.evaluation import evaluate, require_lm_eval

    require_lm_eval()
    stack = compiled(request)
    context = plan_context(stack, options_from(request))
    tokenizer, tasks = tokenizer_of(context.checkpoint), list(request["tasks"])
    options: dict[str, Any] = {
        "batch_size": context.options.batch_size,
        "limit": request.get("limit"),
        "shots": request.get("shots"),
    }
    report(0, 2, "the model as it is answers")
    base = evaluate(model_of(context.checkpoint, context.options), tokenizer, tasks, **options)
    report(1, 2, "the plan answers")
    plan = evaluate(plan_model(stack, context), tokenizer, tasks, **options)
    report(2, 2, "done")
    return {
        "reference": context.checkpoint.reference,
        "dtype": context.dtype,
        "limit": request.get("limit"),
        "figures": list(_figures(base, plan)),
        "base_check": _base_check(context),
    }


def _base_check(context: MeasurementContext) -> dict[str, Any]:
    from engine.inference.likelihood import token_nll

    model = model_of(context.checkpoint, context.options)
    check_base(context, lambda batches: [token_nll(model, batch, context.options.batch_size) for batch in batches])
    with closing(open_for_reading(context.store)) as connection:
        check = find_base_check(connection, context.key)
    return base_answer(check, math.nan if check is None else check.own_nll)


def _figures(base: "Sequence[Evaluation]", plan: "Sequence[Evaluation]") -> Iterator[dict[str, Any]]:
    others = {(each.task, each.metric): each for each in plan}
    for own in base:
        other = others[own.task, own.metric]
        yield {
            "task": own.task,
            "metric": own.metric,
            "base": own.value,
            "base_se": own.se,
            "plan": other.value,
            "plan_se": other.se,
            "items": len(own.per_item),
            **_paired(own.per_item, other.per_item),
        }


def _paired(base: Sequence[float], plan: Sequence[float]) -> dict[str, Any]:
    """Return the paired comparison; its values are None for too few items."""
    untold = dict.fromkeys(("delta", "test", "p", "only_base", "only_plan"))
    if not base or len(base) != len(plan):
        return untold
    deltas = [after - before for before, after in zip(base, plan, strict=True)]
    row = {**untold, "delta": sum(deltas) / len(deltas)}
    if {*base, *plan} <= {0.0, 1.0}:
        test = mcnemar([value == 1 for value in base], [value == 1 for value in plan])
        return {**row, "test": "mcnemar", "p": test.p, "only_base": test.only_base, "only_plan": test.only_plan}
    if len(deltas) < MIN_SEQUENCES:
        return row
    return {**row, "test": "t", "p": paired_difference(deltas).p}
