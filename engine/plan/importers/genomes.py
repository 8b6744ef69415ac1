"""mergekit-evolve's files, which describe a search for the weights of a mixture."""

from engine.plan.syntax.nodes import Mapping
from engine.plan.syntax.reading import Findings


def recognises(root: Mapping) -> bool:
    return "genome" in root.entries


def refuse(root: Mapping, found: Findings) -> None:
    message = "a file for mergekit-evolve, which searches mixing weights and never stacked layers"
    fix = "To search over stacks, measure the model: dlec profile, then dlec plan new dlec."
    found.error("merge-method", message, root.place_of("genome"), fix)
