"""Items of lists, in brackets and with dashes: insert, remove, move, copy.

In brackets an item has one comma and the space before it. With dashes an item is its lines and the comments that belong
to it: comment lines directly above a dash belong to the item below, those indented deeper than the dash to the item
above. Blank lines, and comments next to them, stay where they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.errors import PlanError
from engine.plan.edits.tree import EDIT_THE_TEXT, Node, after_blanks
from engine.plan.edits.values import anchors_removed, gap_before
from engine.plan.syntax.lines import Lines, Splice, spliced


@dataclass(frozen=True, slots=True)
class ItemLines:
    """Lines of an item, counted from 0, both ends inclusive."""

    first: int
    """First line of its comments, or the line of the dash."""
    last: int
    dash: int
    """Offset of the dash."""


def inserted(listed: Node, at: int, item: str) -> Splice:
    """Insert `item`, as `copied` returns it, before the item at index `at`, or at the end.

    The list must have an item. A block item begins with its dash, and its further lines are indented.
    """
    return _flow_inserted(listed, at, item) if listed.has_brackets else _block_inserted(listed, at, item)


def removed(listed: Node, index: int) -> Splice:
    """Remove an item. The list must have two items."""
    return _flow_removed(listed, index) if listed.has_brackets else _block_removed(listed, index)


def moved(listed: Node, index: int, to: int) -> list[Splice]:
    """Move an item. Commas, blank lines and comments between items stay."""
    return _flow_moved(listed, index, to) if listed.has_brackets else _block_moved(listed, index, to)


def copied(listed: Node, index: int, changes: list[Splice]) -> str:
    """Return an item as text for `inserted`, with `changes` at offsets of the whole text, and without its anchors."""
    item, tree = listed.children[index], listed.tree
    changes = [*changes, *anchors_removed(item, list(item.anchors_inside))]
    if listed.has_brackets:
        return spliced(tree.text, changes, item.start, item.end)
    return spliced(tree.text, changes, item_lines(listed, index).dash, tree.lines.end_after(item.end))


def item_lines(listed: Node, index: int) -> ItemLines:
    """Return the lines of an item with a dash. Raises PlanError if the dash shares its line with other text."""
    return _item_lines(listed, listed.children, index)


def _flow_inserted(listed: Node, at: int, item: str) -> Splice:
    items = listed.children
    if at == 0:
        return Splice(items[0].start, items[0].start, f"{item},{gap_before(items[0])}")
    before = items[at - 1]
    return Splice(before.end, before.end, f",{gap_before(before)}{item}")


def _flow_removed(listed: Node, index: int) -> Splice:
    items = listed.children
    if index == 0:
        return Splice(items[0].start, items[1].start, "")
    return Splice(items[index - 1].end, items[index].end, "")


def _flow_moved(listed: Node, index: int, to: int) -> list[Splice]:
    items = listed.children
    order = list(range(len(items)))
    order.insert(to, order.pop(index))
    text = listed.tree.text
    return [
        Splice(slot.start, slot.end, text[items[number].start : items[number].end])
        for slot, number in zip(items, order, strict=True)
        if slot.number != items[number].number
    ]


def _block_inserted(listed: Node, at: int, item: str) -> Splice:
    lines = listed.tree.lines
    if at == 0:
        next_ = item_lines(listed, 0)
        start = lines.start(next_.first)
        return Splice(start, start, f"{_indent(listed, next_)}{item}{lines.line_break(next_.first - 1)}")
    before = item_lines(listed, at - 1)
    end = lines.end(before.last)
    return Splice(end, end, f"{lines.line_break(before.last)}{_indent(listed, before)}{item}")


def _block_removed(listed: Node, index: int) -> Splice:
    lines, item = listed.tree.lines, item_lines(listed, index)
    if item.last + 1 < len(lines):
        return Splice(lines.start(item.first), lines.start(item.last + 1), "")
    return Splice(lines.end(item.first - 1), lines.end(item.last), "")


def _block_moved(listed: Node, index: int, to: int) -> list[Splice]:
    lines, text = listed.tree.lines, listed.tree.text
    low, high = min(index, to), max(index, to)
    items = listed.children
    slots = [_item_lines(listed, items, number) for number in range(low, high + 1)]
    spans = [(lines.start(slot.first), lines.end(slot.last)) for slot in slots]
    order = spans[:]
    order.insert(to - low, order.pop(index - low))
    return [
        Splice(*span, text[start:end]) for span, (start, end) in zip(spans, order, strict=True) if span != (start, end)
    ]


def _item_lines(listed: Node, items: Sequence[Node], index: int) -> ItemLines:
    lines, text = listed.tree.lines, listed.tree.text
    dash = after_blanks(text, items[index - 1].end) if index else listed.body
    own = lines.at(dash)
    if text[lines.start(own) : dash].strip():
        what = f"the list on line {own + 1} cannot be edited"
        raise PlanError(what, why="a dash shares its line with other text", fix=EDIT_THE_TEXT)
    column, first, last = lines.column(dash), own, lines.at(items[index].end)
    floor = lines.at(items[index - 1].end) if index else -1
    while first - 1 > floor and (comment := _comment_column(lines, first - 1)) is not None and comment <= column:
        first -= 1
    while last + 1 < len(lines) and (comment := _comment_column(lines, last + 1)) is not None and comment > column:
        last += 1
    return ItemLines(first, last, dash)


def _comment_column(lines: Lines, line: int) -> int | None:
    """Return the column of the comment on a line with nothing else."""
    content = lines.content(line)
    stripped = content.lstrip(" \t")
    return len(content) - len(stripped) if stripped.startswith("#") else None


def _indent(listed: Node, item: ItemLines) -> str:
    return " " * listed.tree.lines.column(item.dash)
