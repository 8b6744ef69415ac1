"""Reads a text into the tree that edits cut by, from libyaml's events."""

from functools import lru_cache
from typing import Any

import yaml

from engine.errors import shown
from engine.plan.edits.lines import Lines
from engine.plan.edits.tree import Kind, Tree
from engine.plan.model import Position
from engine.plan.syntax.events import CLOSING, PlanSyntaxError, read_events

_KINDS: dict[type[yaml.Event], Kind] = {
    yaml.ScalarEvent: Kind.SCALAR,
    yaml.AliasEvent: Kind.ALIAS,
    yaml.SequenceStartEvent: Kind.SEQUENCE,
    yaml.MappingStartEvent: Kind.MAPPING,
}
_LEAVES = (Kind.SCALAR, Kind.ALIAS)


@lru_cache(maxsize=2)
def read_tree(text: str) -> Tree:
    """The tree of `text`; whether its aliases refer to anything is not asked. Raises PlanSyntaxError.

    Cached: the list of slices reads the text that the next edit cuts.
    """
    tree = Tree(text, Lines(text))
    shift = 1 if text.startswith("\ufeff") else 0  # libyaml does not count a byte order mark
    inside: list[int] = []
    for event in read_events(text):
        kind = _KINDS.get(type(event))
        if kind is not None:
            inside.append(len(tree.kinds))
            _add(tree, event, kind, inside[-2] if len(inside) > 1 else -1, shift)
        if kind in _LEAVES or type(event) in CLOSING:
            _close(tree, inside, _end(text, event, shift))
    return tree


def _add(tree: Tree, event: Any, kind: Kind, parent: int, shift: int) -> None:
    start = event.start_mark.index + shift
    number, name = len(tree.kinds), event.anchor
    if parent < 0 and number:
        raise PlanSyntaxError("a plan is a single YAML document", _place(event))
    if kind is Kind.ALIAS:
        tree.aliases.setdefault(name, []).append(number)
    elif name is not None:
        if name in tree.anchors:
            raise PlanSyntaxError(f"the anchor `&{shown(name)}` is given twice", _place(event))
        tree.anchors[name] = number
    tree.kinds.append(kind)
    tree.starts.append(start)
    tree.ends.append(start)
    tree.afters.append(number + 1)
    tree.parents.append(parent)
    tree.values.append(event.value if kind is Kind.SCALAR else name if kind is Kind.ALIAS else "")


def _close(tree: Tree, inside: list[int], end: int | None) -> None:
    """Block style ends where its last value does."""
    number = inside.pop()
    if end is not None:
        tree.ends[number] = end
    tree.afters[number] = len(tree.kinds)
    if inside:
        tree.ends[inside[-1]] = tree.ends[number]


def _end(text: str, event: Any, shift: int) -> int | None:
    """Where the value ends that this event closes; None for block style, of which libyaml marks the next token."""
    start: int = event.start_mark.index + shift
    end: int = event.end_mark.index + shift
    if getattr(event, "style", None) in ("|", ">"):
        return start + len(text[start:end].rstrip())  # libyaml counts the line breaks behind it
    return end if end > start or type(event) in _KINDS else None


def _place(event: Any) -> Position:
    return Position(event.start_mark.line + 1, event.start_mark.column + 1)
