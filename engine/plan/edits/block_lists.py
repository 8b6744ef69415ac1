"""Lists with dashes: an item is the lines that it stands on, with the comments that belong to it.

Comment lines directly above a dash belong to the item below, those indented deeper than the dash to the item above.
Blank lines, and comments set off by them, stay where they are whatever moves.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.errors import PlanError
from engine.plan.edits.finding import IN_THE_TEXT
from engine.plan.edits.lines import Lines, Splice
from engine.plan.edits.tree import Node, after_blanks


@dataclass(frozen=True, slots=True)
class ItemLines:
    """The lines of an item, counted from 0, both ends inclusive."""

    first: int
    """Of its comments, or the dash's own."""
    last: int
    dash: int
    """Where its dash stands: an offset in the text."""


def inserted(listed: Node, at: int, item: str) -> Splice:
    """Puts `item` before the one that stands at `at`, or behind the last. It begins with its dash, further lines are
    indented. The list must have an item."""
    lines = listed.tree.lines
    if at == 0:
        next_ = item_lines(listed, 0)
        start = lines.start(next_.first)
        return Splice(start, start, f"{_indent(listed, next_)}{item}{lines.line_break(next_.first - 1)}")
    before = item_lines(listed, at - 1)
    end = lines.end(before.last)
    return Splice(end, end, f"{lines.line_break(before.last)}{_indent(listed, before)}{item}")


def removed(listed: Node, index: int) -> Splice:
    """Takes an item's lines out. The list must have two items."""
    lines, item = listed.tree.lines, item_lines(listed, index)
    if item.last + 1 < len(lines):
        return Splice(lines.start(item.first), lines.start(item.last + 1), "")
    return Splice(lines.end(item.first - 1), lines.end(item.last), "")


def moved(listed: Node, index: int, to: int) -> list[Splice]:
    """Gives an item another place; what stands between items stays."""
    lines, text = listed.tree.lines, listed.tree.text
    low, high = min(index, to), max(index, to)
    items = listed.children
    places = [_item_lines(listed, items, number) for number in range(low, high + 1)]
    spans = [(lines.start(place.first), lines.end(place.last)) for place in places]
    order = spans[:]
    order.insert(to - low, order.pop(index - low))
    return [
        Splice(*span, text[start:end]) for span, (start, end) in zip(spans, order, strict=True) if span != (start, end)
    ]


def item_lines(listed: Node, index: int) -> ItemLines:
    """Raises PlanError for an item whose dash shares its line with something before it."""
    return _item_lines(listed, listed.children, index)


def _item_lines(listed: Node, items: Sequence[Node], index: int) -> ItemLines:
    lines, text = listed.tree.lines, listed.tree.text
    dash = after_blanks(text, items[index - 1].end) if index else listed.body
    own = lines.at(dash)
    if text[lines.start(own) : dash].strip():
        raise PlanError(f"the list on line {own + 1} cannot be edited", why="a dash shares its line", fix=IN_THE_TEXT)
    column, first, last = lines.column(dash), own, lines.at(items[index].end)
    floor = lines.at(items[index - 1].end) if index else -1
    while first - 1 > floor and (found := _comment_column(lines, first - 1)) is not None and found <= column:
        first -= 1
    while last + 1 < len(lines) and (found := _comment_column(lines, last + 1)) is not None and found > column:
        last += 1
    return ItemLines(first, last, dash)


def _comment_column(lines: Lines, line: int) -> int | None:
    """Where the comment of a line begins that holds nothing else."""
    content = lines.content(line)
    found = content.lstrip(" \t")
    return len(content) - len(found) if found.startswith("#") else None


def _indent(listed: Node, item: ItemLines) -> str:
    return " " * listed.tree.lines.column(item.dash)
