"""Reads a whole text: one document, or several of which later ones refer to earlier ones by name."""

from dataclasses import dataclass

from engine.plan.importers import read_document
from engine.plan.model import START, Plan
from engine.plan.problems import Problem, has_errors
from engine.plan.syntax.documents import arranged
from engine.plan.syntax.events import PlanSyntaxError
from engine.plan.syntax.nodes import Mapping, Node, node_at
from engine.plan.syntax.reading import Findings, kind
from engine.plan.syntax.tree import Tree, check_tree, read_trees


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a text says."""

    plan: Plan | None
    """None when the problems contain an error."""
    problems: tuple[Problem, ...]


def parse(text: str) -> Parsed:
    """Read mergekit's YAML for `merge_method: passthrough`, and what can be read as such. Never raises: what is wrong
    is among the problems."""
    found = Findings()
    try:
        plan = _read_all(list(map(_root_of, read_trees(text))), found)
    except PlanSyntaxError as problem:
        found.error("syntax", problem.message, problem.place, problem.fix)
        return Parsed(None, tuple(found))
    return Parsed(None if has_errors(found) else plan, tuple(found))


def _root_of(tree: Tree) -> Node:
    check_tree(tree)
    return node_at(tree, 0)


def _read_all(roots: list[Node], found: Findings) -> Plan | None:
    if not roots:
        found.error("shape", "the plan is empty", START, "Start with `dlec plan new repeat MODEL`.")
        return None
    plans = [_read_root(root, found, is_alone=len(roots) == 1) for root in roots]
    if len(plans) == 1:
        return plans[0]
    places = [root.place for root in roots]
    read = [(plan, place) for plan, place in zip(plans, places, strict=True) if plan is not None]
    return arranged(read, found) if len(read) == len(roots) else None


def _read_root(root: Node, found: Findings, *, is_alone: bool) -> Plan | None:
    if not isinstance(root, Mapping):
        found.error("shape", f"a plan is a mapping with `merge_method` and `slices`, not {kind(root)}", root.place)
        return None
    return read_document(root, found, is_alone=is_alone)
