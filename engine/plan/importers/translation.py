"""What is said of a stack that was written in other words than passthrough's."""

from engine.plan.model import Plan, Span
from engine.plan.problems import Change, replaced
from engine.plan.syntax.nodes import Mapping
from engine.plan.syntax.writing import written


def as_passthrough(root: Mapping, plan: Plan) -> Change | None:
    """The change that writes a text's only document as passthrough. Not a safe one: comments inside are lost."""
    span = Span(root.place, root.tree.end(root.number))
    return replaced(span, written(plan).rstrip(), is_safe=False)
