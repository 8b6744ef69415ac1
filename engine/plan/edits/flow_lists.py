"""Lists in brackets, as in JSON: items come and go with one comma and the space before them."""

import re

from engine.plan.edits.lines import Splice
from engine.plan.edits.tree import Node

_OPENED = re.compile(r"[,\[{](\s*)\Z")


def inserted(listed: Node, at: int, item: str) -> Splice:
    """Puts `item` before the one that stands at `at`, or behind the last. The list must have an item."""
    items = listed.children
    if at == 0:
        return Splice(items[0].start, items[0].start, f"{item},{gap_before(items[0])}")
    before = items[at - 1]
    return Splice(before.end, before.end, f",{gap_before(before)}{item}")


def removed(listed: Node, index: int) -> Splice:
    """Takes an item out with the comma before it, the first one with the comma behind it. The list must have two."""
    items = listed.children
    if index == 0:
        return Splice(items[0].start, items[1].start, "")
    return Splice(items[index - 1].end, items[index].end, "")


def moved(listed: Node, index: int, to: int) -> list[Splice]:
    """Gives an item another place; commas, space and comments between items stay."""
    items = listed.children
    order = list(range(len(items)))
    order.insert(to, order.pop(index))
    text = listed.tree.text
    return [
        Splice(place.start, place.end, text[items[number].start : items[number].end])
        for place, number in zip(items, order, strict=True)
        if place.number != items[number].number
    ]


def gap_before(item: Node) -> str:
    """The space between an item and the comma or bracket before it, for another item; one blank when there is none."""
    around = item.parent.body if item.parent is not None else 0
    found = _OPENED.search(item.tree.text, around, item.start)
    return (found[1] if found else "") or " "
