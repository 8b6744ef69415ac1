"""Nodes of a plan's YAML as it is read: aliases followed, `<<` merged.

The target of an alias is seen at the position of the alias; its own position is kept as the origin.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

from engine.plan.model import Position, Span
from engine.plan.syntax.events import PlanSyntaxError
from engine.plan.syntax.tree import ALIAS, MERGE_TAG, NULL_TAG, SCALAR, SEQUENCE, Tree, constructed

_MERGE = "<<"
_NO_MERGES: dict[str, int | None] = {}
"""Shared by all mappings that merge nothing; never changed."""


@dataclass(slots=True, eq=False)
class _Node:
    """Not frozen: a plan has ten thousand nodes, and freezing doubles the time to create them."""

    tree: Tree
    number: int
    alias: int | None
    """The outermost alias through which the node is seen."""

    @property
    def place(self) -> Position:
        own = self.tree.position(self.number)
        if self.alias is None:
            return own
        seen = self.tree.position(self.alias)
        return Position(seen.line, seen.column, origin=own)

    @property
    def span(self) -> Span | None:
        """Span to replace; None if that would change more or less than this value."""
        start, end = self.tree.position(self.number), self.tree.end(self.number)
        is_own = self.alias is None and self.number not in self.tree.irreplaceable
        return Span(start, end) if is_own and start.line == end.line and start != end else None


@dataclass(slots=True, eq=False)
class Scalar(_Node):
    @property
    def text(self) -> str:
        return self.tree.values[self.number]

    @property
    def tag(self) -> str:
        """YAML tag: text, a number, a date."""
        return self.tree.tags[self.number]

    @property
    def is_null(self) -> bool:
        return self.tree.tags[self.number] == NULL_TAG

    @property
    def is_merge(self) -> bool:
        """Return True for the key `<<` that takes over the entries of another mapping."""
        return self.tag == MERGE_TAG

    @property
    def value(self) -> Any:
        """Value as YAML reads it: text, number, bool, None, date."""
        return constructed(self.tag, self.text)


@dataclass(slots=True, eq=False)
class Sequence(_Node):
    def items(self) -> "list[Node]":
        """Return new nodes at each call."""
        return [node_at(self.tree, item, self.alias) for item in self.tree.children(self.number)]


@dataclass(slots=True, eq=False)
class Mapping(_Node):
    entries: dict[str, int]
    """Key to the number of its value, after merging; of repeated keys the last. The key's own node is the number before
    its value."""
    hidden: "list[Scalar] | tuple[()]"
    """Keys that are repeated later in the mapping and therefore ignored."""
    merged: dict[str, int | None]
    """Keys from `<<`, with the alias through which they are seen."""

    def get(self, key: str) -> "Node | None":
        number = self.entries.get(key)
        if number is None:
            return None
        return node_at(self.tree, number, self.merged.get(key, self.alias) if self.merged else self.alias)

    def given(self, key: str) -> "Node | None":
        """Return `get(key)`, or None if the value is null."""
        number = self.entries.get(key)
        if number is None or self.tree.tags[self.tree.targets.get(number, number)] == NULL_TAG:
            return None
        return self.get(key)

    def key(self, name: str) -> Scalar:
        """Return the key's own node."""
        return _key_at(self.tree, self.entries[name] - 1, self.seen_through(name))

    def place_of(self, name: str) -> Position:
        """Return the position of a key; of the mapping if it has no such key."""
        return self.key(name).place if name in self.entries else self.place

    def is_holder(self, name: str) -> bool:
        """Return True if an alias refers into the value: the key may only define an anchor."""
        return self.tree.is_shared(self.entries[name])

    def seen_through(self, key: str) -> int | None:
        """Return the outermost alias through which an entry is seen."""
        return self.merged.get(key, self.alias)


Node: TypeAlias = Scalar | Sequence | Mapping


def node_at(tree: Tree, number: int, alias: int | None = None) -> Node:
    """Return the node with a number, as seen through `alias` or, for an alias, through itself.

    Raises PlanSyntaxError for a mapping that cannot be read.
    """
    kind = tree.kinds[number]
    if kind is SCALAR:  # first: more than half of all nodes
        return Scalar(tree, number, alias)
    if kind is ALIAS:
        return node_at(tree, tree.targets[number], number if alias is None else alias)
    if kind is SEQUENCE:
        return Sequence(tree, number, alias)
    return _mapping_at(tree, number, alias)


def _mapping_at(tree: Tree, number: int, alias: int | None) -> Mapping:
    own: dict[str, int] = {}
    hidden: list[Scalar] | tuple[()] = ()
    merges: list[int] | tuple[()] = ()
    key, after, afters, kinds, values = number + 1, tree.afters[number], tree.afters, tree.kinds, tree.values
    while key < after:
        name = values[key] if kinds[key] is SCALAR else _aliased_name(tree, key)
        value = key + 1
        if name == _MERGE and _key_at(tree, key, alias).is_merge:
            merges = merges or []
            merges.append(value)
        else:
            if name in own:
                hidden = hidden or []
                hidden.append(_key_at(tree, own[name] - 1, alias))
            own[name] = value
        key = afters[value]
    mapping = Mapping(tree, number, alias, own, hidden, {} if merges else _NO_MERGES)
    for value in merges:
        _merge(mapping, node_at(tree, value, alias))
    return mapping


def _aliased_name(tree: Tree, key: int) -> str:
    """Return the text of a key that is an alias. Raises PlanSyntaxError for a key that is a list or a mapping."""
    written = tree.targets.get(key, key)
    if tree.kinds[written] is not SCALAR:
        raise PlanSyntaxError("a key must be plain text", tree.position(written))
    return tree.values[written]


def _key_at(tree: Tree, key: int, alias: int | None) -> Scalar:
    return Scalar(tree, tree.targets.get(key, key), alias)


def _merge(mapping: Mapping, value: Node) -> None:
    """Take over the entries of `<<: *anchor` or `<<: [*a, *b]`, the winning one last; own entries win over merged."""
    for source in reversed(value.items()) if isinstance(value, Sequence) else [value]:
        if not isinstance(source, Mapping):
            raise PlanSyntaxError("`<<` merges mappings only", value.place)
        for name, number in source.entries.items():
            if name not in mapping.entries or name in mapping.merged:
                mapping.entries[name] = number
                mapping.merged[name] = source.seen_through(name)
