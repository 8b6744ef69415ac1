"""Proposal of the original DLEC rule, for the recipe dlec-classic."""

from collections.abc import Mapping
from typing import Any

from engine.plan.recipes import dlec_classic
from engine.protocol import Report
from engine.tasks.measurement import measurement_context
from engine.tasks.resident import model_of, sequences_of


def run(request: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Run the task. Request: {"model", "reference"} and the measurement options.

    Answer: "plan" (text) and "shares" (one per layer).
    Raises PlanError if the rule keeps too few layers, and whatever opening and running the model raises.
    """
    from engine.inference.metrics.dlec_classic import shares

    context = measurement_context(request)
    checkpoint, options = context.checkpoint, context.options
    sequences = sequences_of(checkpoint, options)
    shares_of_layers = shares(model_of(checkpoint, options), sequences)
    report(1, 1, "first tokens read")
    return {"plan": dlec_classic.write(checkpoint, shares_of_layers), "shares": shares_of_layers}
