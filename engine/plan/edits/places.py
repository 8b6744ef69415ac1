"""Edits by place: what a problem points at, put right in the text."""

from engine.errors import PlanError
from engine.plan.edits.edited import Edited, edited
from engine.plan.edits.finding import open_tree
from engine.plan.edits.lines import Lines, Splice, spliced
from engine.plan.edits.owning import Draft
from engine.plan.edits.tree import Node
from engine.plan.model import Position


def replace_span(text: str, start: Position, end: Position, new: str) -> Edited:
    """With `new` in place of what stands from `start` to before `end`, in a text that need not parse. Raises
    PlanError for places outside the text."""
    lines = Lines(text)
    span = _offset(text, lines, start), _offset(text, lines, end)
    if span[1] < span[0]:
        raise PlanError("nothing can be replaced", why=f"line {start.line} is behind line {end.line}")
    return edited(Draft(text), spliced(text, [Splice(*span, new)]))


def replace_value(text: str, place: Position, new: str) -> Edited:
    """With `new` in place of the key or value that begins at `place`; an anchor before it stays. Where several begin
    there, the innermost is meant: the first key of a mapping. Raises PlanError."""
    tree = open_tree(text)
    offset = _offset(text, tree.lines, place)
    found = [number for number, start in enumerate(tree.starts) if start == offset]
    if not found:
        raise PlanError("nothing can be replaced", why=f"no value begins on line {place.line}, column {place.column}")
    node = Node(tree, found[-1])
    return edited(Draft(text), spliced(text, [Splice(node.body, node.end, new)]))


def _offset(text: str, lines: Lines, place: Position) -> int:
    line, column = place.line - 1, place.column - 1
    mark = 1 if line == 0 and text.startswith("\ufeff") else 0  # which places do not count
    if not 0 <= line < len(lines) or not 0 <= column + mark <= lines.end(line) - lines.start(line):
        raise PlanError("nothing can be replaced", why=f"the text has no line {place.line}, column {place.column}")
    return lines.start(line) + column + mark
