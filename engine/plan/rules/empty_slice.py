"""empty-slice: [k, k] gives no layer.

mergekit's users write it on purpose, as first slice to give the embeddings or as last slice to give norm and head.
Anywhere else it does nothing, and often a closed range was meant.
"""

from collections.abc import Iterator

from engine.plan.model import Slice
from engine.plan.problems import Problem, Severity
from engine.plan.rules.facts import Facts


def check(facts: Facts) -> Iterator[Problem]:
    slices = facts.plan.slices
    if all(slice_.length <= 0 for slice_ in slices):
        yield Problem("empty-slice", Severity.ERROR, "the plan has no layer at all", slices[0].range_place)
        return
    for index, slice_ in enumerate(slices):
        if slice_.length == 0:
            yield _finding(slice_, is_first=index == 0, is_last=index == len(slices) - 1)


def _finding(slice_: Slice, *, is_first: bool, is_last: bool) -> Problem:
    span = f"[{slice_.start}, {slice_.end}]"
    if is_first or is_last:
        gift = "embeddings" if is_first else "final norm and head"
        message = f"{span} gives no layer, only the {gift} of {slice_.model}"
        return Problem("empty-slice", Severity.NOTE, message, slice_.range_place)
    message = f"{span} gives no layer: the end is exclusive"
    fix = f"For layer {slice_.start} alone write [{slice_.start}, {slice_.start + 1}]."
    return Problem("empty-slice", Severity.WARNING, message, slice_.range_place, fix)
