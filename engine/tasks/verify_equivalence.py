"""Proves that a merged checkpoint is the model that was previewed: both compute the same logits."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.protocol import Report
from engine.tasks.measurement_options import options_from
from engine.tasks.preview import compiled, plan_context, plan_model
from engine.tasks.resident import sequences_of

SEQUENCES = 2
"""Enough: a wrong layer, scale or list shows in the first logits."""


def run(request: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """The task: {"plan": its text, "patches": paths (optional), "merged": directory} and the measurement options.

    Answer: "max_difference" between the logits of both over "tokens" tokens, computed in "dtype". Raises like preview.
    """
    from engine.inference.devices import chosen_device
    from engine.inference.likelihood import largest_difference
    from engine.inference.load_model import open_model

    stack = compiled(request)
    context = plan_context(stack, options_from(request))
    dtype, device = context.dtype, chosen_device(context.options.device)
    report(0, 2, "opening both")
    sequences = sequences_of(context.checkpoint, context.options)[:SEQUENCES]
    merged = open_model(Path(request["merged"]), dtype, device)
    report(1, 2, "comparing logits")
    difference = largest_difference(plan_model(stack, context), merged, sequences)
    return {"max_difference": difference, "tokens": sequences.tokens.numel(), "dtype": dtype}
