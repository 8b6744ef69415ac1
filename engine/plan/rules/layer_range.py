"""layer-range: a slice that does not lie inside its checkpoint.

Severity: error

Why: mergekit finds a range past the end only after downloading every model, and turns a reversed one into a file whose
config claims fewer layers than it holds. A negative bound does not count from the end.

Source: mergekit's behaviour, checked by running it.

Example: `[20, 33]` of 32 layers; `[12, 8]`; `[-4, 32]`.

Remedy: Layers are counted from 0, and the end is exclusive: all of them are `[0, N]`.
"""

from collections.abc import Iterator

from engine.plan.model import Slice
from engine.plan.problems import Change, Problem, Severity, replaced
from engine.plan.rules.facts import Facts


def check(facts: Facts) -> Iterator[Problem]:
    for slice_ in facts.plan.slices:
        layers = facts.checkpoints[slice_.model].layer_count
        message, fix = _verdict(slice_, layers)
        if message:
            yield Problem("layer-range", Severity.ERROR, message, slice_.range_place, fix, _change(slice_, layers))


def _change(slice_: Slice, layers: int) -> Change | None:
    """The range that was probably meant; None where there is no telling."""
    start, end = sorted((slice_.start, slice_.end))
    if start < 0 or start >= layers:
        return None
    return replaced(slice_.range_span, f"[{start}, {min(end, layers)}]", is_safe=False)


def _verdict(slice_: Slice, layers: int) -> tuple[str, str]:
    span = f"[{slice_.start}, {slice_.end}]"
    if slice_.start < 0 or slice_.end < 0:
        return (
            f"{span} has a negative bound; layers are counted from 0",
            f"{slice_.model} has layers 0 to {layers - 1}.",
        )
    if slice_.end < slice_.start:
        return f"{span} is reversed and would give no layer", f"Did you mean [{slice_.end}, {slice_.start}]?"
    if slice_.end > layers:
        return (
            f"{span} ends past the last layer: the checkpoint has {layers}",
            f"The end is exclusive: at most {layers}.",
        )
    return "", ""
