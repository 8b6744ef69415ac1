"""YAML text of values: new ones, existing ones at another place, and entries of mappings."""

import math
import re
from collections.abc import Collection, Mapping, Sequence
from typing import TypeAlias

import yaml

from engine.errors import PlanError, shown
from engine.files import is_text
from engine.plan.edits.tree import Node
from engine.plan.syntax.lines import Splice, spliced
from engine.plan.syntax.tree import Kind

Value: TypeAlias = "str | int | float | Sequence[Value] | Mapping[str, Value]"

_BRACKET_SIGNS = frozenset(",[]{}")
"""Characters that plain text may contain only in block style."""
_OPENED = re.compile(r"[,\[{](\s*)\Z")


# New values


def flow(value: Value, *, as_json: bool = False) -> str:
    """Return the value on one line; with `as_json` every text in double quotes, for a plan that is JSON."""
    match value:
        case str():
            return _text(value, style='"') if as_json else quoted(value)
        case int() | float():
            return number(value)
        case Mapping():
            pairs = (f"{flow(key, as_json=as_json)}: {flow(item, as_json=as_json)}" for key, item in value.items())
            return f"{{{', '.join(pairs)}}}"
        case _:
            return f"[{', '.join(flow(item, as_json=as_json) for item in value)}]"


def quoted(text: str) -> str:
    """Return a scalar that YAML reads back as this text, quoted only if necessary. Raises PlanError."""
    return _text(text, style=None if text.isprintable() else '"')


def number(value: float) -> str:
    """Return a finite number in YAML's notation: `1e-05` would be text. Raises PlanError."""
    if not math.isfinite(value):
        raise PlanError(f"{value} is not a valid factor", fix="Use a finite number.")
    return str(value) if isinstance(value, int) else _dumped(value, style=None)


def _text(text: str, *, style: str | None) -> str:
    if not is_text(text):
        raise PlanError(f"a plan cannot contain {shown(text)}", why="it is not valid UTF-8 text")
    return _dumped(text, style=style)


def _dumped(value: str | float, *, style: str | None) -> str:
    """Return the value as an item of a flow list, where YAML requires the most quoting."""
    listed = yaml.safe_dump([value], default_flow_style=True, default_style=style, allow_unicode=True, width=math.inf)
    return str(listed).strip()[1:-1]


# Existing values at another place


def inline_text(node: Node, without: Collection[str]) -> str:
    """Return the value on one line, valid everywhere, without its anchor and tag and without the anchors named."""
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
    """Return a block list or mapping, with its comments, indented for `column`; the first line is not indented."""
    tree = node.tree
    shift = column - tree.lines.column(node.body)
    end = tree.lines.end_after(node.end)
    indents = [
        _indent_splice(node, line, shift) for line in range(tree.lines.at(node.body) + 1, tree.lines.at(end) + 1)
    ]
    return spliced(tree.text, [*indents, *anchors_removed(node, without)], node.body, end)


def properties_text(node: Node, anchor: str | None) -> str:
    """Return that anchor and the node's tag, as written before its value; "" without both."""
    return " ".join(part for part in (f"&{anchor}" if anchor else "", node.tag) if part)


def anchors_removed(node: Node, names: Collection[str]) -> list[Splice]:
    """Return the splices that remove those anchors from the node and from what it contains."""
    return [anchor_removed(carrier) for name, carrier in node.anchors_inside.items() if name in names]


def anchor_removed(node: Node) -> Splice:
    """Return the splice that removes a node's anchor; an anchor without a value becomes null."""
    text = node.tree.text
    start, end = next(span for span in node.properties if text[span[0]] == "&")
    if node.is_empty and not node.tag:
        return Splice(start, end, "null")
    after = after_spaces(text, end)
    if after < node.tree.lines.end_after(end):
        return Splice(start, after, "")
    return Splice(before_spaces(text, start), end, "")


def after_spaces(text: str, offset: int) -> int:
    """Return the offset after the spaces that start at `offset`."""
    while text[offset : offset + 1] in (" ", "\t"):
        offset += 1
    return offset


def before_spaces(text: str, offset: int) -> int:
    """Return the offset before the spaces that end at `offset`."""
    while text[offset - 1 : offset] in (" ", "\t"):
        offset -= 1
    return offset


def gap_before(item: Node) -> str:
    """Return the space between an item and the comma or bracket before it; one blank if there is no space."""
    around = item.parent.body if item.parent is not None else 0
    match = _OPENED.search(item.tree.text, around, item.start)
    return (match[1] if match else "") or " "


def _indent_splice(node: Node, line: int, shift: int) -> Splice:
    """Shift a line to the right, or to the left as far as it has spaces. Blank lines stay blank."""
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


# Entries of mappings


def with_entry(mapping: Node, key: str, value: str) -> str:
    """Return the text with an entry added at the end of the mapping.

    A block-style `value` of several lines begins with a line feed and is indented with the key.
    """
    tree = mapping.tree
    if mapping.is_inside_brackets or mapping.has_brackets:
        return spliced(tree.text, _flow_entry(mapping, f"{flow(key, as_json=is_json(mapping))}: {value}"))
    gap = "" if value.startswith("\n") else " "
    line = tree.lines.at(mapping.end)
    line_break = tree.lines.line_break(line)
    indent = " " * tree.lines.column(mapping.body)
    written = "".join(f"{line_break}{indent}{part}" for part in f"{key}:{gap}{value}".splitlines())
    end = tree.lines.end(line)
    return spliced(tree.text, [Splice(end, end, written)])


def without_entry(mapping: Node, key: str) -> str:
    """Return the text without the entry of a key, the last of repeated ones. The mapping must have another entry."""
    tree, pairs = mapping.tree, mapping.pairs
    index = max(number for number, (written, _) in enumerate(pairs) if written.target.value == key)
    written, value = pairs[index]
    if mapping.is_inside_brackets or mapping.has_brackets:
        span = (pairs[index - 1][1].end, value.end) if index else (written.start, pairs[1][0].start)
    elif index:
        span = (tree.lines.end(tree.lines.at(written.start) - 1), tree.lines.end_after(value.end))
    else:  # it may share its line with a dash, after which the next line's content then follows
        next_line = tree.lines.start(tree.lines.at(value.end) + 1)
        span = (written.start, after_spaces(tree.text, next_line))
    return spliced(tree.text, [Splice(*span, "")])


def is_json(mapping: Node) -> bool:
    """Return True if the keys are written as JSON requires."""
    return any(key.sign == '"' for key in mapping.children[::2])


def _flow_entry(mapping: Node, entry: str) -> list[Splice]:
    children = mapping.children
    if not children:
        return [Splice(mapping.body + 1, mapping.body + 1, entry)]
    if not mapping.has_brackets:  # a single `key: value` in a list
        return [Splice(mapping.start, mapping.start, "{"), Splice(mapping.end, mapping.end, f", {entry}}}")]
    end = children[-1].end
    return [Splice(end, end, f",{gap_before(children[-2])}{entry}")]
