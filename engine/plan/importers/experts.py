"""mergekit-moe's files, which make a mixture of experts (a frankenMoE) out of models of one shape."""

from engine.plan.syntax.nodes import Mapping
from engine.plan.syntax.reading import Findings

_MARKS = ("experts", "gate_mode", "experts_per_token")


def recognises(root: Mapping) -> bool:
    return "merge_method" not in root.entries and any(mark in root.entries for mark in _MARKS)


def refuse(root: Mapping, found: Findings) -> None:
    place = root.place_of(next(mark for mark in _MARKS if mark in root.entries))
    message = "a frankenMoE file: mergekit-moe builds experts side by side from it, dlec stacks layers"
    fix = "Build it with mergekit-moe; the layers of what comes out can be stacked like those of any model."
    found.error("merge-method", message, place, fix)
