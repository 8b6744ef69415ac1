"""Several documents in one text: named ones, and the final one that has no name."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter

from engine.errors import shown
from engine.plan.model import Plan, Position
from engine.plan.problems import has_errors
from engine.plan.syntax.reading import Findings

RULE = "documents"


def arranged(documents: Sequence[tuple[Plan, Position]], found: Findings) -> Plan | None:
    """The final document, with those it refers to before it. `documents`: each with the place where it begins."""
    named: dict[str, tuple[Plan, Position]] = {}
    for plan, place in documents:
        if plan.name in named:
            message = f"two documents are called `{shown(plan.name)}`, the other on line {named[plan.name][1].line}"
            found.error(RULE, message, place, "Give each a name of its own.")
        elif plan.name is not None:
            named[plan.name] = plan, place
    final = _final(documents, found)
    order = None if final is None else _order(final, named, found)
    if final is None or order is None or has_errors(found):
        return None
    for name, (_, place) in named.items():
        if name not in order:
            found.warning(RULE, f"nothing uses the document `{shown(name)}`", place, "Take it out.")
    return replace(final, earlier=tuple([named[name][0] for name in order]))


def _final(documents: Sequence[tuple[Plan, Position]], found: Findings) -> Plan | None:
    unnamed = [(plan, place) for plan, place in documents if plan.name is None]
    if len(unnamed) == 1:
        return unnamed[0][0]
    if unnamed:
        message = f"{len(unnamed)} documents have no name, and only the final one may be without"
        found.error(RULE, message, unnamed[1][1], "Give every other one a `name`.")
    else:
        message = "every document has a name, so none of them is the final one"
        found.error(RULE, message, documents[-1][1], "Take the `name` out of the one to be made.")
    return None


def _order(final: Plan, named: Mapping[str, tuple[Plan, Position]], found: Findings) -> list[str] | None:
    """The names of what the final document refers to, each before those that refer to it. None for a circle."""
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
        circle = " -> ".join(shown(name) for name in error.args[1])
        found.error(RULE, f"the documents refer to each other in a circle: {circle}", named[error.args[1][0]][1])
        return None


def _names_in(plan: Plan, named: Mapping[str, tuple[Plan, Position]]) -> list[str]:
    return [model for model in plan.own_models if model in named]
