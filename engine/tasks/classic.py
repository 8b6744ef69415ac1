"""Proposes what the original DLEC would have: the work behind the recipe dlec-classic."""

from collections.abc import Mapping
from typing import Any

from engine.plan.recipes import dlec_classic
from engine.protocol import Report
from engine.tasks.occasion import occasion_of
from engine.tasks.resident import model_of, sequences_of


def run(request: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """The task: {"model", "reference"} and a setting. Answer: "plan" (text), "shares" (one a layer).

    Raises PlanError when the rule keeps too few layers, and whatever opening and running the model raises.
    """
    from engine.inference.metrics.dlec_classic import shares

    occasion = occasion_of(request)
    checkpoint, setting = occasion.checkpoint, occasion.setting
    sequences = sequences_of(checkpoint, setting)
    found = shares(model_of(checkpoint, setting), sequences)
    report(1, 1, "first tokens read")
    return {"plan": dlec_classic.write(checkpoint, found), "shares": found}
