"""Adds, removes and moves items of a list in the text, whichever style it is written in."""

from engine.plan.edits import block_lists, flow_lists
from engine.plan.edits.lines import Splice, spliced
from engine.plan.edits.tree import Node
from engine.plan.edits.writing import anchors_removed


def inserted(listed: Node, at: int, item: str) -> Splice:
    """Puts `item`, as `copied` gives one, before the item at `at` or behind the last. The list must have an item."""
    return flow_lists.inserted(listed, at, item) if listed.has_brackets else block_lists.inserted(listed, at, item)


def removed(listed: Node, index: int) -> Splice:
    """Takes an item out. The list must have two."""
    return flow_lists.removed(listed, index) if listed.has_brackets else block_lists.removed(listed, index)


def moved(listed: Node, index: int, to: int) -> list[Splice]:
    """Gives an item another place."""
    return flow_lists.moved(listed, index, to) if listed.has_brackets else block_lists.moved(listed, index, to)


def copied(listed: Node, index: int, changes: list[Splice]) -> str:
    """An item as text for `inserted`, with `changes`, which are places of the whole text, and without its anchors."""
    item, tree = listed.children[index], listed.tree
    changes = [*changes, *anchors_removed(item, list(item.anchors_inside))]
    if listed.has_brackets:
        return spliced(tree.text, changes, item.start, item.end)
    return spliced(tree.text, changes, block_lists.item_lines(listed, index).dash, tree.lines.end_after(item.end))
