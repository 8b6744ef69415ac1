"""Parse a text: one document, or several in which later ones refer to earlier ones by name."""

from collections.abc import Sequence
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter
from typing import NamedTuple

from engine.errors import shown
from engine.plan.importers import read_document
from engine.plan.model import START, Plan, Position
from engine.plan.problems import Problem, has_errors
from engine.plan.syntax.events import PlanSyntaxError
from engine.plan.syntax.nodes import Mapping, Node, node_at
from engine.plan.syntax.tree import Tree, check_tree, read_trees
from engine.plan.syntax.values import Findings, kind


class Parsed(NamedTuple):
    """Result of parsing a text."""

    plan: Plan | None
    """None if the problems contain an error."""
    problems: tuple[Problem, ...]


def parse(text: str) -> Parsed:
    """Read mergekit's YAML for `merge_method: passthrough`, and formats that are equivalent to it.

    Never raises: errors are among the problems.
    """
    findings = Findings()
    try:
        plan = _read_all(list(map(_root_of, read_trees(text))), findings)
    except PlanSyntaxError as problem:
        findings.error("syntax", problem.message, problem.place, problem.fix)
        return Parsed(None, tuple(findings))
    return Parsed(None if has_errors(findings) else plan, tuple(findings))


def _root_of(tree: Tree) -> Node:
    check_tree(tree)
    return node_at(tree, 0)


def _read_all(roots: list[Node], findings: Findings) -> Plan | None:
    if not roots:
        findings.error("shape", "the plan is empty", START, "Start with `dlec plan new repeat MODEL`.")
        return None
    plans = [_read_root(root, findings, is_alone=len(roots) == 1) for root in roots]
    if len(plans) == 1:
        return plans[0]
    places = [root.place for root in roots]
    read = [(plan, place) for plan, place in zip(plans, places, strict=True) if plan is not None]
    return arranged(read, findings) if len(read) == len(roots) else None


def _read_root(root: Node, findings: Findings, *, is_alone: bool) -> Plan | None:
    if not isinstance(root, Mapping):
        findings.error("shape", f"a plan is a mapping with `merge_method` and `slices`, not {kind(root)}", root.place)
        return None
    return read_document(root, findings, is_alone=is_alone)


# Several documents


RULE = "documents"


def arranged(documents: Sequence[tuple[Plan, Position]], findings: Findings) -> Plan | None:
    """Return the final document with its `earlier` documents. `documents`: each with the position of its start."""
    named: dict[str, tuple[Plan, Position]] = {}
    for plan, place in documents:
        if plan.name in named:
            message = f"the document on line {named[plan.name][1].line} is also named `{shown(plan.name)}`"
            findings.error(RULE, message, place, "Use a different name for each.")
        elif plan.name is not None:
            named[plan.name] = plan, place
    final = _final(documents, findings)
    order = None if final is None else _order(final, named, findings)
    if final is None or order is None or has_errors(findings):
        return None
    for name, (_, place) in named.items():
        if name not in order:
            findings.warning(RULE, f"the document `{shown(name)}` is not used", place, "Remove it.")
    return replace(final, earlier=tuple([named[name][0] for name in order]))


def _final(documents: Sequence[tuple[Plan, Position]], findings: Findings) -> Plan | None:
    unnamed = [(plan, place) for plan, place in documents if plan.name is None]
    if len(unnamed) == 1:
        return unnamed[0][0]
    if unnamed:
        message = f"{len(unnamed)} documents have no name, but only the final one may omit it"
        findings.error(RULE, message, unnamed[1][1], "Add a `name` to every other document.")
    else:
        message = "every document has a name, so no document is the final one"
        findings.error(RULE, message, documents[-1][1], "Remove the `name` of the final document.")
    return None


def _order(final: Plan, named: dict[str, tuple[Plan, Position]], findings: Findings) -> list[str] | None:
    """Return the names of documents that the final one needs, in order of dependency; None for a cycle."""
    needs: dict[str, list[str]] = {}
    waiting = _names_in(final, named)
    while waiting:
        name = waiting.pop()
        if name not in needs:
            needs[name] = _names_in(named[name][0], named)
            waiting += needs[name]
    try:
        return list(TopologicalSorter(needs).static_order())
    except CycleError as error:
        cycle = " -> ".join(shown(name) for name in error.args[1])
        findings.error(RULE, f"the documents refer to each other in a cycle: {cycle}", named[error.args[1][0]][1])
        return None


def _names_in(plan: Plan, named: dict[str, tuple[Plan, Position]]) -> list[str]:
    return [model for model in plan.own_models if model in named]
