"""empty-slice: a range such as [5, 5] gives no layer.

Severity: warning; note for a first or last slice; error if the plan has no layer

Why: The end of a range is exclusive. Users of mergekit write an empty range on purpose: as first slice to give the
embeddings, or as last slice to give norm and head. Elsewhere it has no effect, and often one layer was meant. If the
whole plan seems to use inclusive ends, the rule closed-range reports that instead.

Source: arcee-ai/mergekit #308, where its author recommends empty slices as donors.

Example: `[0, 8]`, `[8, 8]`, `[8, 32]`: the slice in the middle gives nothing.

Fix: For one layer k write `[k, k + 1]`; otherwise delete the slice.
"""

from collections.abc import Iterator

from engine.plan.model import Slice
from engine.plan.problems import Problem, Severity, replaced
from engine.plan.rules import closed_range
from engine.plan.rules.facts import Facts


def check(facts: Facts) -> Iterator[Problem]:
    slices = facts.plan.slices
    if all(slice_.length <= 0 for slice_ in slices):
        yield Problem("empty-slice", Severity.ERROR, "the plan has no layers", slices[0].range_place)
        return
    is_explained = closed_range.is_suspected(facts)
    for index, slice_ in enumerate(slices):
        if slice_.length == 0 and not is_explained:
            yield _finding(slice_, is_first=index == 0, is_last=index == len(slices) - 1)


def _finding(slice_: Slice, *, is_first: bool, is_last: bool) -> Problem:
    span = f"[{slice_.start}, {slice_.end}]"
    if is_first or is_last:
        gift = "embeddings" if is_first else "final norm and head"
        message = f"{span} gives no layer, only the {gift} of {slice_.model}"
        return Problem("empty-slice", Severity.NOTE, message, slice_.range_place)
    message = f"{span} gives no layer: the end is exclusive"
    fix = f"For layer {slice_.start} alone write [{slice_.start}, {slice_.start + 1}]."
    change = replaced(slice_.range_span, f"[{slice_.start}, {slice_.start + 1}]", is_safe=False)
    return Problem("empty-slice", Severity.WARNING, message, slice_.range_place, fix, change)
