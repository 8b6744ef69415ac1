"""What a value of the text looks like when it is written at another place."""

from collections.abc import Collection

from engine.plan.edits.lines import Splice, spliced
from engine.plan.edits.tree import Kind, Node
from engine.plan.edits.values import quoted

_BRACKET_SIGNS = frozenset(",[]{}")
"""Signs that plain text may hold in block style only."""


def inline_text(node: Node, without: Collection[str]) -> str:
    """The value on one line, valid everywhere, without its own anchor and tag and without the anchors named."""
    tree = node.tree
    if node.has_brackets and tree.lines.at(node.body) == tree.lines.at(node.end):
        return spliced(tree.text, anchors_removed(node, without), node.body, node.end)
    match node.kind:
        case Kind.ALIAS:
            return f"*{node.value}"
        case Kind.SCALAR:
            return _scalar_text(node)
        case Kind.SEQUENCE:
            return f"[{', '.join(_item_text(item, without) for item in node.children)}]"
        case Kind.MAPPING:
            return f"{{{', '.join(_pair_text(key, value, without) for key, value in node.pairs)}}}"


def block_text(node: Node, column: int, without: Collection[str]) -> str:
    """A block list or mapping as it stands, comments included, for a place at `column`; the first line unindented."""
    tree = node.tree
    shift = column - tree.lines.column(node.body)
    end = tree.lines.end_after(node.end)
    indents = [
        _indent_splice(node, line, shift) for line in range(tree.lines.at(node.body) + 1, tree.lines.at(end) + 1)
    ]
    return spliced(tree.text, [*indents, *anchors_removed(node, without)], node.body, end)


def properties_text(node: Node, anchor: str | None) -> str:
    """That anchor and the tag that `node` has, to stand before its value; "" for none of both."""
    return " ".join(part for part in (f"&{anchor}" if anchor else "", node.tag) if part)


def anchors_removed(node: Node, names: Collection[str]) -> list[Splice]:
    """Takes those anchors off it and what is in it."""
    return [anchor_removed(carrier) for name, carrier in node.anchors_inside.items() if name in names]


def anchor_removed(node: Node) -> Splice:
    """Takes a node's anchor off; where the anchor is all that is written, null says what that meant."""
    text = node.tree.text
    start, end = next(span for span in node.properties if text[span[0]] == "&")
    if node.is_empty and not node.tag:
        return Splice(start, end, "null")
    behind = after_spaces(text, end)
    if behind < node.tree.lines.end_after(end):
        return Splice(start, behind, "")
    return Splice(before_spaces(text, start), end, "")


def after_spaces(text: str, offset: int) -> int:
    """Where the spaces from `offset` on are over."""
    while text[offset : offset + 1] in (" ", "\t"):
        offset += 1
    return offset


def before_spaces(text: str, offset: int) -> int:
    """Where the spaces that end at `offset` begin."""
    while text[offset - 1 : offset] in (" ", "\t"):
        offset -= 1
    return offset


def _indent_splice(node: Node, line: int, shift: int) -> Splice:
    """Moves a line to the right or, as far as it has spaces, to the left. Blank lines stay blank."""
    lines = node.tree.lines
    start, content = lines.start(line), lines.content(line)
    if shift >= 0 or not content.strip():
        return Splice(start, start, " " * shift if content.strip() else "")
    return Splice(start, start + min(-shift, len(content) - len(content.lstrip(" "))), "")


def _scalar_text(node: Node) -> str:
    written = node.tree.text[node.body : node.end]
    if not written:
        return '""' if node.tag else "null"
    is_quoted = node.sign in ("'", '"')
    is_one_line = len(written.splitlines()) == 1 and node.sign not in ("|", ">")
    if is_one_line and (is_quoted or not _BRACKET_SIGNS & set(written)):
        return written
    return quoted(node.value)


def _item_text(item: Node, without: Collection[str]) -> str:
    anchor = None if item.anchor in without else item.anchor
    return " ".join(part for part in (properties_text(item, anchor), inline_text(item, without)) if part)


def _pair_text(key: Node, value: Node, without: Collection[str]) -> str:
    gap = " " if key.kind is Kind.ALIAS else ""
    return f"{_item_text(key, without)}{gap}: {_item_text(value, without)}"
