"""unused-layer: a layer of the model that the plan never visits.

Severity: warning

Why: The end of a range is exclusive, so a layer is easily lost between two slices, and the last layer most easily of
all: an author who counts the layers of a model from 0 to 54 and ends with `[41, 55]` has lost layer 55 of 56, and the
final norm then reads a stream that it was not made for. Whoever prunes on purpose switches the rule off.

Source: the plan of BA-Zephyria-39b (from Mistral-Small-Instruct-2409), which lost its last layer this way. Removing a
middle layer of OLMo cost 66 % of accuracy although it looked unimportant (arXiv 2605.14075).

Example: `[0, 41]`, `[19, 41]`, `[41, 55]` of 56 layers: layer 55 is missing.

Remedy: End the last slice with the number of layers, and begin each slice where the one before ended, or below.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from engine.plan.model import Position
from engine.plan.problems import Problem, Severity, replaced
from engine.plan.rules import closed_range
from engine.plan.rules.facts import Facts

OFF = "Someone who prunes on purpose writes `# dlec: off unused-layer` into the plan."


def check(facts: Facts) -> Iterator[Problem]:
    depth = facts.stack.config_donor.layer_count
    for start, end in _gaps(_used(facts), depth):
        yield _finding(facts, start, end, depth)


def _used(facts: Facts) -> set[int]:
    """The layers that some checkpoint gives; as they were meant, where another rule speaks of that."""
    if closed_range.is_suspected(facts):
        return closed_range.layers_meant(facts.plan.slices)
    return {visit.layer for visit in facts.stack.visits}


def _gaps(used: set[int], depth: int) -> Iterator[tuple[int, int]]:
    """Ranges [start, end) of layers below `depth` that are not used."""
    edges = [-1, *sorted(layer for layer in used if layer < depth), depth]
    for before, after in pairwise(edges):
        if after - before > 1:
            yield before + 1, after


def _finding(facts: Facts, start: int, end: int, depth: int) -> Problem:
    which = f"layer {start}" if end - start == 1 else f"layers {start} to {end - 1}"
    is_are = "is" if end - start == 1 else "are"
    if end == depth:
        last = "the last" if end - start == 1 else "the last ones"
        message = f"{which} of {depth}, {last}, {is_are} never used: the end of a range is exclusive"
        top = facts.plan.slices[-1]
        change = replaced(top.range_span, f"[{top.start}, {depth}]", is_safe=False) if top.end == start else None
        fix = f"End the last slice with {depth}. {OFF}"
        return Problem("unused-layer", Severity.WARNING, message, top.range_place, fix, change)
    message = f"{which} of {depth} {is_are} never used"
    return Problem("unused-layer", Severity.WARNING, message, _place_before(facts, start), _fix(start, end))


def _fix(start: int, end: int) -> str:
    if start == 0:
        return f"Begin the first slice with 0. {OFF}"
    return f"End the slice below with {end}, or begin the one above with {start}. {OFF}"


def _place_before(facts: Facts, layer: int) -> Position:
    """The slice that gives the layers just below the gap, the last one that does; else the first slice."""
    giving: Sequence[Position] = [slice_.range_place for slice_ in facts.plan.slices if slice_.end == layer]
    return giving[-1] if giving else facts.plan.slices[0].range_place
