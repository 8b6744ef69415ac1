"""Evaluates a plan beside its base with lm-eval's tasks, item by item."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

from engine.numbers.intervals import MIN_SEQUENCES
from engine.numbers.mcnemar import mcnemar
from engine.numbers.paired import paired_difference
from engine.protocol import Report
from engine.store.database import open_for_reading
from engine.store.samples import find_base_check
from engine.tasks.base_check import base_answer, check_base
from engine.tasks.occasion import Occasion
from engine.tasks.preview import compiled, occasion_of_plan, plan_model
from engine.tasks.resident import model_of, tokenizer_of
from engine.tasks.setting import setting_from

if TYPE_CHECKING:
    from engine.inference.evaluation import Evaluation


def run(request: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """The task: {"plan": its text, "patches": paths (optional), "tasks": names and task files, "limit", "shots"}
    and of a setting "dtype", "device" and "batch_size".

    Answer: "reference", "dtype", "limit", and "figures": for each task and metric "base", "base_se", "plan", "plan_se",
    "items", and paired over the items "delta", "p" ("test" says by which: McNemar's exact test where items are right
    or wrong, else a t-test), and where they are "only_base" and "only_plan"; "base_check" (see base_answer), on the
    built-in text. Raises PlanError for a plan that cannot be
    run, MachineError where lm-eval is missing, UsageError for tasks that it does not know.
    """
    from engine.inference.evaluation import evaluate, require_lm_eval

    require_lm_eval()
    stack = compiled(request)
    occasion = occasion_of_plan(stack, setting_from(request))
    tokenizer, asked = tokenizer_of(occasion.checkpoint), list(request["tasks"])
    options: dict[str, Any] = {
        "batch_size": occasion.setting.batch_size,
        "limit": request.get("limit"),
        "shots": request.get("shots"),
    }
    report(0, 2, "the model as it is answers")
    base = evaluate(model_of(occasion.checkpoint, occasion.setting), tokenizer, asked, **options)
    report(1, 2, "the plan answers")
    plan = evaluate(plan_model(stack, occasion), tokenizer, asked, **options)
    report(2, 2, "done")
    return {
        "reference": occasion.checkpoint.reference,
        "dtype": occasion.dtype,
        "limit": request.get("limit"),
        "figures": list(_figures(base, plan)),
        "base_check": _base_check(occasion),
    }


def _base_check(occasion: Occasion) -> dict[str, Any]:
    from engine.inference.likelihood import token_nll

    model = model_of(occasion.checkpoint, occasion.setting)
    check_base(occasion, lambda batches: [token_nll(model, batch, occasion.setting.batch_size) for batch in batches])
    with closing(open_for_reading(occasion.store)) as connection:
        check = find_base_check(connection, occasion.key)
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
    """What the items say; nothing where there are too few to tell, or the metric has none."""
    untold = dict.fromkeys(("delta", "test", "p", "only_base", "only_plan"))
    if not base or len(base) != len(plan):
        return untold
    deltas = [after - before for before, after in zip(base, plan, strict=True)]
    told = {**untold, "delta": sum(deltas) / len(deltas)}
    if {*base, *plan} <= {0.0, 1.0}:
        found = mcnemar([value == 1 for value in base], [value == 1 for value in plan])
        return {**told, "test": "mcnemar", "p": found.p, "only_base": found.only_base, "only_plan": found.only_plan}
    if len(deltas) < MIN_SEQUENCES:
        return told
    return {**told, "test": "t", "p": paired_difference(deltas).p}
