"""Continuations of one prompt by a plan and its base, without a merge."""

from collections.abc import Mapping
from typing import Any

from engine.protocol import Report
from engine.tasks.measurement_options import options_from
from engine.tasks.preview import compiled, plan_context, plan_model
from engine.tasks.resident import model_of, tokenizer_of


def run(request: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Run the task. Request: {"plan": text, "patches": paths (optional), "prompt", "max_new_tokens"}, and of the
    measurement options "dtype" and "device".

    Answer: "base" and "plan", the greedy continuations without the prompt. Each piece is reported as soon as it is
    there: (0 for the base or 1 for the plan, 2, piece). Raises PlanError for a plan that cannot be run, UsageError for
    an empty prompt, and whatever opening and running the models raises.
    """
    from engine.inference.generate import stream_each

    stack = compiled(request)
    context = plan_context(stack, options_from(request))
    plan, base = plan_model(stack, context), model_of(context.checkpoint, context.options)
    texts = stream_each(
        [base, plan],
        tokenizer_of(context.checkpoint),
        request["prompt"],
        request["max_new_tokens"],
        lambda speaker, piece: report(speaker, 2, piece),
    )
    return dict(zip(("base", "plan"), texts, strict=True))
