"""gradient: a gradient over a slice of one layer.

Severity: warning

Why: A list of numbers under `scale` is a linear ramp from the first to the last layer of the slice. A slice of one
layer takes the last number, and the others have no effect.

Source: mergekit evaluates it so (`t = 1` for one layer), verified by running it.

Example: `layer_range: [7, 8]` with `scale: [0.0, 0.5]` scales by 0.5.

Fix: Write one number, or give the slice several layers.
"""

from collections.abc import Iterator

from engine.plan.model import ScaleEntry, Slice
from engine.plan.problems import Problem, Severity
from engine.plan.rules.facts import Facts


def check(facts: Facts) -> Iterator[Problem]:
    named: set[int] = set()
    for slice_ in facts.plan.slices:
        if slice_.length == 1:
            for entry in _gradients(facts, slice_):
                if id(entry) not in named:
                    named.add(id(entry))
                    yield _finding(slice_, entry)


def _gradients(facts: Facts, slice_: Slice) -> Iterator[ScaleEntry]:
    for level in (*slice_.levels, facts.plan.scale):
        yield from (entry for entry in level if len(set(entry.values)) > 1)


def _finding(slice_: Slice, entry: ScaleEntry) -> Problem:
    values = ", ".join(f"{value:g}" for value in entry.values)
    last = entry.values[-1]
    span = f"[{slice_.start}, {slice_.end}]"
    message = f"the gradient [{values}] over the single layer of {span} is just its last number: {last:g}"
    return Problem(
        "gradient", Severity.WARNING, message, entry.place, f"Write {last:g}, or give the slice several layers."
    )
