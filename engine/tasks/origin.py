"""Origin of a stack: the layers that it was made of, by its weights, and a plan that makes it again."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from engine.checkpoint.checkpoint import require_local
from engine.checkpoint.find import opener
from engine.errors import UsageError
from engine.protocol import Report

if TYPE_CHECKING:
    from engine.comparison.origin import LayerOrigin, Origin


def run(request: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Run the task. Request: {"model": reference of the stack, "bases": references of what it may be made of}.

    Answer: `as_answer`. Raises CheckpointError for a checkpoint that cannot be opened, UsageError without a base,
    MachineError if a file cannot be read.
    """
    from engine.comparison.origin import origin  # late: numpy

    if not request["bases"]:
        raise UsageError("there is no base to look in", fix="Give at least one with --base.")
    open_checkpoint = opener()
    checkpoint = open_checkpoint(request["model"])
    bases = [open_checkpoint(reference) for reference in dict.fromkeys(request["bases"])]
    for each in (checkpoint, *bases):
        require_local(each)
    return as_answer(origin(checkpoint, bases, report), request["model"])


def as_answer(made_of: "Origin", reference: str) -> dict[str, Any]:
    """Return an origin as JSON data: "model", "exact" (True if the plan gives every tensor byte for byte), "plan" (None
    if a layer has no origin), "layers", "changed" (tensors outside the layers) and "unexplained"."""
    return {
        "model": reference,
        "exact": made_of.is_exact,
        "plan": made_of.plan or None,
        "layers": [_layer(layer) for layer in made_of.layers],
        "changed": list(made_of.changed),
        "unexplained": list(made_of.unexplained),
    }


def _layer(layer: "LayerOrigin") -> dict[str, Any]:
    return {
        "layer": layer.layer,
        "model": layer.source.base.reference if layer.source else None,
        "base_layer": layer.source.layer if layer.source else None,
        "scales": dict(layer.scales),
        "evidence": str(layer.evidence),
        "cosine": layer.cosine,
        "margin": layer.margin,
        "changed": list(layer.changed),
    }
