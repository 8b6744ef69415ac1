"""Adds an entry to a mapping of the text, and takes one out."""

from engine.plan.edits.flow_lists import gap_before
from engine.plan.edits.lines import Splice, spliced
from engine.plan.edits.tree import Node
from engine.plan.edits.values import flow
from engine.plan.edits.writing import after_spaces


def with_entry(mapping: Node, key: str, value: str) -> str:
    """The text whose mapping ends with that entry. A `value` of several lines, for block style, begins with a line
    feed and is indented with the key."""
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


def is_json(mapping: Node) -> bool:
    """Whether its keys are written as JSON wants them."""
    return any(key.sign == '"' for key in mapping.children[::2])


def without_entry(mapping: Node, key: str) -> str:
    """The text without the entry of that key, the last of equal ones. The mapping must have another entry."""
    tree, pairs = mapping.tree, mapping.pairs
    place = max(number for number, (written, _) in enumerate(pairs) if written.target.value == key)
    written, value = pairs[place]
    if mapping.is_inside_brackets or mapping.has_brackets:
        span = (pairs[place - 1][1].end, value.end) if place else (written.start, pairs[1][0].start)
    elif place:
        span = (tree.lines.end(tree.lines.at(written.start) - 1), tree.lines.end_after(value.end))
    else:  # it may share its line with a dash, behind which the next line's content then stands
        next_line = tree.lines.start(tree.lines.at(value.end) + 1)
        span = (written.start, after_spaces(tree.text, next_line))
    return spliced(tree.text, [Splice(*span, "")])


def _flow_entry(mapping: Node, entry: str) -> list[Splice]:
    children = mapping.children
    if not children:
        return [Splice(mapping.body + 1, mapping.body + 1, entry)]
    if not mapping.has_brackets:  # a lone `key: value` in a list
        return [Splice(mapping.start, mapping.start, "{"), Splice(mapping.end, mapping.end, f", {entry}}}")]
    end = children[-1].end
    return [Splice(end, end, f",{gap_before(children[-2])}{entry}")]
