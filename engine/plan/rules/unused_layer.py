"""unused-layer: the plan does not use a layer of the model.

Severity: warning

Why: The end of a range is exclusive, so a layer is easily lost between two slices, and most easily the last layer: an
author who counts the layers of a model from 0 to 54 and ends with `[41, 55]` loses layer 55 of 56, and the final norm
then reads a residual stream that it was not trained on. To prune on purpose, switch this rule off.

Source: the plan of BA-Zephyria-39b (from Mistral-Small-Instruct-2409), which lost its last layer this way. Removing a
middle layer of OLMo cost 66 % of accuracy although it looked unimportant (arXiv 2605.14075).

Example: `[0, 41]`, `[19, 41]`, `[41, 55]` of 56 layers: layer 55 is missing.

Fix: End the last slice with the number of layers, and start each slice at or below the end of the one before.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from engine.plan.model import Position
from engine.plan.problems import Problem, Severity, replaced
from engine.plan.rules import closed_range
from engine.plan.rules.facts import Facts

OFF = "If you prune on purpose, add `# dlec: off unused-layer`."


def check(facts: Facts) -> Iterator[Problem]:
    depth = facts.stack.config_donor.layer_count
    for start, end in _gaps(_used(facts), depth):
        yield _finding(facts, start, end, depth)


def _used(facts: Facts) -> set[int]:
    """Return the layers that the plan uses, with inclusive ends if rule closed-range applies."""
    if closed_range.is_suspected(facts):
        return closed_range.layers_meant(facts.plan.slices)
    return {visit.layer for visit in facts.stack.visits}


def _gaps(used: set[int], depth: int) -> Iterator[tuple[int, int]]:
    """Yield ranges [start, end) of unused layers below `depth`."""
    edges = [-1, *sorted(layer for layer in used if layer < depth), depth]
    for before, after in pairwise(edges):
        if after - before > 1:
            yield before + 1, after


def _finding(facts: Facts, start: int, end: int, depth: int) -> Problem:
    which = f"layer {start}" if end - start == 1 else f"layers {start} to {end - 1}"
    is_are = "is" if end - start == 1 else "are"
    if end == depth:
        last = "the last layer" if end - start == 1 else "the last layers"
        message = f"{which} of {depth}, {last}, {is_are} not used: the end of a range is exclusive"
        top = facts.plan.slices[-1]
        change = replaced(top.range_span, f"[{top.start}, {depth}]", is_safe=False) if top.end == start else None
        fix = f"End the last slice at {depth}. {OFF}"
        return Problem("unused-layer", Severity.WARNING, message, top.range_place, fix, change)
    message = f"{which} of {depth} {is_are} not used"
    return Problem("unused-layer", Severity.WARNING, message, _place_before(facts, start), _fix(start, end))


def _fix(start: int, end: int) -> str:
    if start == 0:
        return f"Start the first slice at 0. {OFF}"
    return f"End the slice below at {end}, or start the one above at {start}. {OFF}"


def _place_before(facts: Facts, layer: int) -> Position:
    """Return the position of the last slice that ends at the gap; else of the first slice."""
    giving: Sequence[Position] = [slice_.range_place for slice_ in facts.plan.slices if slice_.end == layer]
    return giving[-1] if giving else facts.plan.slices[0].range_place
