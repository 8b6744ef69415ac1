"""Makes a part of the plan stand on its own, so that editing it edits nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.plan.edits.anchors import expanded, handed_over
from engine.plan.edits.entries import with_entry
from engine.plan.edits.finding import Step, find, name_of, open_tree, own_value, way
from engine.plan.edits.tree import Kind, Node, Tree
from engine.plan.edits.writing import inline_text


@dataclass(frozen=True, slots=True)
class Draft:
    """A text on its way to being edited."""

    text: str
    notes: tuple[str, ...] = ()
    """What the user should know about the way."""

    @property
    def tree(self) -> Tree:
        return open_tree(self.text)

    def find(self, *steps: Step) -> Node:
        """What stands at those steps. Raises PlanError."""
        return find(self.tree, steps)


def owned(draft: Draft, *steps: Step) -> Draft:
    """The draft in which everything on the way to those steps is written there and shared with nothing.

    Raises PlanError when nothing stands at those steps.
    """
    while (better := _next(draft, steps)) is not None:
        draft = better
    return draft


def freed(draft: Draft, *steps: Step) -> Draft:
    """The draft in which nothing elsewhere refers to an anchor on or in what stands at those steps."""
    node = draft.find(*steps)
    for carrier in node.anchors_inside.values():
        uses = [use for use in node.tree.aliases.get(str(carrier.anchor), []) if not node.holds(use)]
        if uses:
            text = handed_over(carrier, Node(node.tree, uses[0]))
            return freed(Draft(text, (*draft.notes, _handing_over(carrier, steps))), *steps)
    return draft


def _next(draft: Draft, steps: Sequence[Step]) -> Draft | None:
    """One obstacle less, from the outside in; None when there is none."""
    tree = draft.tree
    above = tree.root
    for taken, node in enumerate(way(tree, steps), start=1):
        here = steps[:taken]
        key = here[-1]
        if above is not None and isinstance(key, str) and own_value(above, key) is None:
            text = with_entry(above, key, inline_text(node.target, list(node.target.anchors_inside)))
            note = f"{name_of(here)} came from line {node.line} through `<<`; it is written out now"
            return Draft(text, (*draft.notes, note))
        if node.kind is Kind.ALIAS:
            note = f"{name_of(here)} was an alias of line {node.target.line}; it stands on its own now"
            return Draft(expanded(node), (*draft.notes, note))
        uses = tree.aliases.get(node.anchor or "")
        if uses:
            return Draft(handed_over(node, Node(tree, uses[0])), (*draft.notes, _handing_over(node, here)))
        above = node
    return None


def _handing_over(carrier: Node, steps: Sequence[Step]) -> str:
    return f"{name_of(steps)} carried `&{carrier.anchor}`; the next place that uses it carries it now"
