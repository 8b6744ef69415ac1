"""Aliases written out, and anchors moved, so that what an edit touches is shared with nothing else.

expanded      the alias becomes what it stands for
handed_over   what an anchor names is written at another of its uses, which carries the anchor from now on
settled       where a move has put an alias before its anchor, the two change places
"""

from engine.plan.edits.lines import Splice, spliced
from engine.plan.edits.reading import read_tree
from engine.plan.edits.tree import Kind, Node, Tree
from engine.plan.edits.writing import (
    after_spaces,
    anchor_removed,
    before_spaces,
    block_text,
    inline_text,
    properties_text,
)


def expanded(alias: Node) -> str:
    """The text with `alias` written out. Anchors inside stay where they are defined."""
    meant = alias.target
    return spliced(alias.tree.text, [_written_at(alias, None, list(meant.anchors_inside))])


def handed_over(node: Node, alias: Node) -> str:
    """The text in which `alias` carries the anchor of `node`, and its content; `node` keeps a copy of its own."""
    inner = [name for name in node.anchors_inside if name != node.anchor]
    return spliced(node.tree.text, [_written_at(alias, node.anchor, [*inner, str(node.anchor)]), anchor_removed(node)])


def settled(text: str) -> str:
    """The text with every anchor before its uses."""
    while (late := _late_anchor(read_tree(text))) is not None:
        alias = Node(late.tree, late.tree.aliases[str(late.anchor)][0])
        text = spliced(text, [_written_at(alias, late.anchor, [str(late.anchor)]), _replaced_by_alias(late)])
    return text


def _late_anchor(tree: Tree) -> Node | None:
    late = (name for name, number in tree.anchors.items() if tree.aliases.get(name, [number])[0] < number)
    return next((tree.anchored(name) for name in late), None)


def _written_at(alias: Node, anchor: str | None, without: list[str]) -> Splice:
    """What `alias` stands for in its place, carrying `anchor`."""
    meant = alias.target
    properties = properties_text(meant, anchor)
    if _is_block(meant) and not alias.is_inside_brackets:
        return _block_at(alias, properties, without)
    text = " ".join(part for part in (properties, inline_text(meant, without)) if part)
    return Splice(alias.start, alias.end, text)


def _block_at(alias: Node, properties: str, without: list[str]) -> Splice:
    """Block style begins on a line of its own, except directly behind a dash. A comment stays on the alias's line."""
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
    """`*anchor` instead of the node; a comment behind the anchor stays there."""
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
    """Where block style may begin: at the alias of a list's item, else two to the right of the keys."""
    column = alias.tree.lines.column
    return column(alias.start) if alias.parent is None or _is_item(alias) else column(alias.parent.body) + 2
