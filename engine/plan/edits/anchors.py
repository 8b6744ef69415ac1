"""Anchors and aliases: make a part of the plan independent, so that an edit changes nothing else.

owned     the path to a part is written out there and shared with nothing
freed     nothing elsewhere refers to an anchor in a part
in_order  every anchor comes before its aliases again, after a move
"""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.plan.edits.tree import (
    Node,
    Step,
    anchored,
    find,
    name_of,
    open_tree,
    own_value,
    path_to,
    read_tree,
    root_of,
)
from engine.plan.edits.values import (
    after_spaces,
    anchor_removed,
    before_spaces,
    block_text,
    inline_text,
    properties_text,
    with_entry,
)
from engine.plan.syntax.lines import Splice, spliced
from engine.plan.syntax.tree import Kind, Tree


@dataclass(frozen=True, slots=True)
class Draft:
    """A text during an edit."""

    text: str
    notes: tuple[str, ...] = ()
    """Side effects to report to the user."""

    @property
    def tree(self) -> Tree:
        return open_tree(self.text)

    def find(self, *steps: Step) -> Node:
        """Return the node at a path. Raises PlanError."""
        return find(self.tree, steps)


def owned(draft: Draft, *steps: Step) -> Draft:
    """Return the draft in which every node on a path is written out there and shared with nothing.

    Raises PlanError if there is nothing at the path.
    """
    while (next_draft := _with_one_step_owned(draft, steps)) is not None:
        draft = next_draft
    return draft


def freed(draft: Draft, *steps: Step) -> Draft:
    """Return the draft in which nothing elsewhere refers to an anchor on or in the node at a path."""
    node = draft.find(*steps)
    for carrier in node.anchors_inside.values():
        uses = [use for use in node.tree.aliases.get(str(carrier.anchor), []) if not node.contains(use)]
        if uses:
            text = handed_over(carrier, Node(node.tree, uses[0]))
            return freed(Draft(text, (*draft.notes, _handing_over(carrier, steps))), *steps)
    return draft


def expanded(alias: Node) -> str:
    """Return the text with `alias` replaced by its target. Anchors inside stay where they are defined."""
    return spliced(alias.tree.text, [_written_at(alias, None, list(alias.target.anchors_inside))])


def handed_over(node: Node, alias: Node) -> str:
    """Return the text in which `alias` has the anchor and the content of `node`; `node` keeps its own copy."""
    inner = [name for name in node.anchors_inside if name != node.anchor]
    return spliced(node.tree.text, [_written_at(alias, node.anchor, [*inner, str(node.anchor)]), anchor_removed(node)])


def in_order(text: str) -> str:
    """Return the text with every anchor before its aliases: a late anchor and its first alias change places."""
    while (late := _late_anchor(read_tree(text))) is not None:
        alias = Node(late.tree, late.tree.aliases[str(late.anchor)][0])
        text = spliced(text, [_written_at(alias, late.anchor, [str(late.anchor)]), _replaced_by_alias(late)])
    return text


def _with_one_step_owned(draft: Draft, steps: Sequence[Step]) -> Draft | None:
    """Return the draft with the outermost shared node of the path made independent; None if none is shared."""
    tree = draft.tree
    above = root_of(tree)
    for taken, node in enumerate(path_to(tree, steps), start=1):
        path = steps[:taken]
        key = path[-1]
        if above is not None and isinstance(key, str) and own_value(above, key) is None:
            text = with_entry(above, key, inline_text(node.target, list(node.target.anchors_inside)))
            note = f"{name_of(path)} was merged from line {node.line} through `<<` and is now written out"
            return Draft(text, (*draft.notes, note))
        if node.kind is Kind.ALIAS:
            note = f"{name_of(path)} was an alias of line {node.target.line} and is now a copy"
            return Draft(expanded(node), (*draft.notes, note))
        uses = tree.aliases.get(node.anchor or "")
        if uses:
            return Draft(handed_over(node, Node(tree, uses[0])), (*draft.notes, _handing_over(node, path)))
        above = node
    return None


def _handing_over(carrier: Node, steps: Sequence[Step]) -> str:
    return f"the anchor `&{carrier.anchor}` moved from {name_of(steps)} to its first alias"


def _late_anchor(tree: Tree) -> Node | None:
    late = (name for name, number in tree.anchors.items() if tree.aliases.get(name, [number])[0] < number)
    return next((anchored(tree, name) for name in late), None)


def _written_at(alias: Node, anchor: str | None, without: list[str]) -> Splice:
    """Replace `alias` by its target with `anchor`."""
    target = alias.target
    properties = properties_text(target, anchor)
    if _is_block(target) and not alias.is_inside_brackets:
        return _block_at(alias, properties, without)
    text = " ".join(part for part in (properties, inline_text(target, without)) if part)
    return Splice(alias.start, alias.end, text)


def _block_at(alias: Node, properties: str, without: list[str]) -> Splice:
    """Block style begins on a new line, except directly after a dash. A comment stays on the alias's line."""
    tree = alias.tree
    line = tree.lines.at(alias.start)
    end = tree.lines.end(line)
    rest = tree.text[alias.end : end].rstrip()
    column = _content_column(alias)
    content = block_text(alias.target, column, without)
    if not properties and not rest and _is_item(alias):
        return Splice(alias.start, end, content)
    start = alias.start if properties else before_spaces(tree.text, alias.start)
    return Splice(start, end, f"{properties}{rest}{tree.lines.line_break(line)}{' ' * column}{content}")


def _replaced_by_alias(node: Node) -> Splice:
    """Replace the node by `*anchor`; a comment after the anchor stays."""
    tree = node.tree
    if not _is_block(node):
        is_before_colon = tree.text.startswith(":", after_spaces(tree.text, node.end)) and node.is_key
        return Splice(node.start, node.end, f"*{node.anchor}{' ' if is_before_colon else ''}")
    first_line_end = tree.lines.end_after(node.start)
    comment = tree.text[node.properties[-1][1] : first_line_end].rstrip() if node.body > first_line_end else ""
    return Splice(node.start, tree.lines.end_after(node.end), f"*{node.anchor}{comment}")


def _is_block(node: Node) -> bool:
    return node.kind in (Kind.SEQUENCE, Kind.MAPPING) and not node.has_brackets


def _is_item(node: Node) -> bool:
    return node.parent is not None and node.parent.kind is Kind.SEQUENCE


def _content_column(alias: Node) -> int:
    """Return the column for block style: the alias's own in a list, else two to the right of the keys."""
    column = alias.tree.lines.column
    return column(alias.start) if alias.parent is None or _is_item(alias) else column(alias.parent.body) + 2
