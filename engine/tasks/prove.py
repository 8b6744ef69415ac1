"""Proves that a merged checkpoint is the model that was previewed: both compute the same logits."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.protocol import Report
from engine.tasks.preview import compiled, occasion_of_plan, plan_model
from engine.tasks.resident import sequences_of
from engine.tasks.setting import setting_from

SEQUENCES = 2
"""Enough: a wrong layer, scale or list shows in the first logits."""


def run(request: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """The task: {"plan": its text, "patches": paths (optional), "merged": directory} and a setting.

    Answer: "max_difference" between the logits of both over "tokens" tokens, computed in "dtype". Raises like preview.
    """
    from engine.inference.devices import chosen_device
    from engine.inference.equality import largest_difference
    from engine.inference.opened import open_model

    stack = compiled(request)
    occasion = occasion_of_plan(stack, setting_from(request))
    dtype, device = occasion.dtype, chosen_device(occasion.setting.device)
    report(0, 2, "opening both")
    sequences = sequences_of(occasion.checkpoint, occasion.setting)[:SEQUENCES]
    merged = open_model(Path(request["merged"]), dtype, device)
    report(1, 2, "comparing logits")
    found = largest_difference(plan_model(stack, occasion), merged, sequences)
    return {"max_difference": found, "tokens": sequences.tokens.numel(), "dtype": dtype}
