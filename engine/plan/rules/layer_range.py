"""layer-range: a slice is outside its checkpoint.

Severity: error

Why: mergekit finds a range past the end only after it has downloaded every model, and turns a reversed range into a
file whose config claims fewer layers than it has. A negative bound does not count from the end.

Source: mergekit's behaviour, verified by running it.

Example: `[20, 33]` of 32 layers; `[12, 8]`; `[-4, 32]`.

Fix: Count layers from 0, with an exclusive end: all of them are `[0, N]`.
"""

from collections.abc import Iterator

from engine.plan.model import Slice
from engine.plan.problems import Change, Problem, Severity, replaced
from engine.plan.rules.facts import Facts


def check(facts: Facts) -> Iterator[Problem]:
    for slice_ in facts.plan.slices:
        layers = facts.checkpoints[slice_.model].layer_count
        message, fix = _message(slice_, layers)
        if message:
            yield Problem("layer-range", Severity.ERROR, message, slice_.range_place, fix, _change(slice_, layers))


def _change(slice_: Slice, layers: int) -> Change | None:
    """Return the range that was probably meant; None if it is unclear."""
    start, end = sorted((slice_.start, slice_.end))
    if start < 0 or start >= layers:
        return None
    return replaced(slice_.range_span, f"[{start}, {min(end, layers)}]", is_safe=False)


def _message(slice_: Slice, layers: int) -> tuple[str, str]:
    span = f"[{slice_.start}, {slice_.end}]"
    if slice_.start < 0 or slice_.end < 0:
        return (
            f"{span} has a negative bound; layers are counted from 0",
            f"Use layers 0 to {layers - 1} of {slice_.model}.",
        )
    if slice_.end < slice_.start:
        return f"{span} is reversed and gives no layer", f"Did you mean [{slice_.end}, {slice_.start}]?"
    if slice_.end > layers:
        return (
            f"{span} ends past the last layer: the checkpoint has {layers}",
            f"End it at {layers}: the end is exclusive.",
        )
    return "", ""
