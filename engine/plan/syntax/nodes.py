"""What is read in a tree: values, lists, mappings, with aliases followed and `<<` merged.

What an alias stands for is seen at the place of the alias; its own place is kept beside it.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

from engine.plan.model import Position, Span
from engine.plan.syntax.events import MAX_TEXT_BYTES, PlanSyntaxError
from engine.plan.syntax.tree import MERGE_TAG, NULL_TAG, SCALAR, SEQUENCE, Tree, constructed

__all__ = ["MAX_TEXT_BYTES", "Mapping", "Node", "PlanSyntaxError", "Scalar", "Sequence", "node_at"]

_MERGE = "<<"
_NOTHING: dict[str, int | None] = {}
"""What most mappings merge. Nobody adds to it: they are many, and each dict of their own would cost."""


@dataclass(slots=True, eq=False)
class _Node:
    """Not frozen: a plan has ten thousand of these, and freezing doubles their price."""

    tree: Tree
    number: int
    alias: int | None
    """The outermost one through which it is seen here."""

    @property
    def place(self) -> Position:
        own = self.tree.place(self.number)
        if self.alias is None:
            return own
        seen = self.tree.place(self.alias)
        return Position(seen.line, seen.column, origin=own)

    @property
    def span(self) -> Span | None:
        """Where it can be replaced; None where that would change more or less than this value."""
        start, end = self.tree.place(self.number), self.tree.end(self.number)
        is_own = self.alias is None and self.number not in self.tree.irreplaceable
        return Span(start, end) if is_own and start.line == end.line and start != end else None


@dataclass(slots=True, eq=False)
class Scalar(_Node):
    @property
    def text(self) -> str:
        """As written."""
        return self.tree.values[self.number]

    @property
    def tag(self) -> str:
        """YAML's name of what it is: text, a number, a date."""
        return self.tree.tags[self.number]

    @property
    def is_null(self) -> bool:
        return self.tag == NULL_TAG

    @property
    def is_merge(self) -> bool:
        """Whether it is the `<<` that takes over another mapping's entries."""
        return self.tag == MERGE_TAG

    @property
    def value(self) -> Any:
        """As YAML reads it: text, number, bool, None, date."""
        return constructed(self.tag, self.text)


@dataclass(slots=True, eq=False)
class Sequence(_Node):
    def items(self) -> "list[Node]":
        """Made anew each time: whoever needs them twice keeps them."""
        return [node_at(self.tree, item, self.alias) for item in self.tree.children(self.number)]


@dataclass(slots=True, eq=False)
class Mapping(_Node):
    entries: dict[str, int]
    """Key to the number of its value, merged and deduplicated, the last of equal keys winning. The key itself, which is
    a scalar or the alias of one, stands just before its value."""
    hidden: "list[Scalar] | tuple[()]"
    """Its own keys that are given again later, and so are void."""
    merged: dict[str, int | None]
    """For the keys that `<<` brings: the alias through which they are seen."""

    def get(self, key: str) -> "Node | None":
        number = self.entries.get(key)
        return None if number is None else node_at(self.tree, number, self.seen_through(key))

    def given(self, key: str) -> "Node | None":
        """As `get`; a key without a value, or with null, counts as none."""
        node = self.get(key)
        return None if isinstance(node, Scalar) and node.is_null else node

    def key(self, name: str) -> Scalar:
        """The key of that name, as it stands in the text."""
        return _key_at(self.tree, self.entries[name] - 1, self.seen_through(name))

    def place_of(self, name: str) -> Position:
        """Of that key; of the mapping where there is none."""
        return self.key(name).place if name in self.entries else self.place

    def is_holder(self, name: str) -> bool:
        """Whether something in the value of that key is used elsewhere: the key may be there for an anchor's sake."""
        return self.tree.is_shared(self.entries[name])

    def seen_through(self, key: str) -> int | None:
        """The outermost alias between the reader and that entry."""
        return self.merged.get(key, self.alias)


Node: TypeAlias = Scalar | Sequence | Mapping


def node_at(tree: Tree, number: int, alias: int | None = None) -> Node:
    """What stands at a number, seen through `alias` or, where it is one, through itself. Raises PlanSyntaxError for a
    mapping that cannot be read."""
    if number in tree.targets:
        alias = number if alias is None else alias
        number = tree.targets[number]
    kind = tree.kinds[number]
    if kind == SCALAR:
        return Scalar(tree, number, alias)
    if kind == SEQUENCE:
        return Sequence(tree, number, alias)
    return _mapping_at(tree, number, alias)


def _mapping_at(tree: Tree, number: int, alias: int | None) -> Mapping:
    own: dict[str, int] = {}
    hidden: list[Scalar] | tuple[()] = ()
    merges: list[int] | tuple[()] = ()
    key, after, afters = number + 1, tree.afters[number], tree.afters
    while key < after:
        name, value = _name_of(tree, key), key + 1
        if name == _MERGE and _key_at(tree, key, alias).is_merge:
            merges = merges or []
            merges.append(value)
        else:
            if name in own:
                hidden = hidden or []
                hidden.append(_key_at(tree, own[name] - 1, alias))
            own[name] = value
        key = afters[value]
    mapping = Mapping(tree, number, alias, own, hidden, {} if merges else _NOTHING)
    for value in merges:
        _merge(mapping, node_at(tree, value, alias))
    return mapping


def _name_of(tree: Tree, key: int) -> str:
    """Of a key, which may be an alias. Raises PlanSyntaxError for one that is a list or a mapping."""
    written = tree.targets.get(key, key)
    if tree.kinds[written] != SCALAR:
        raise PlanSyntaxError("a key must be plain text", tree.place(written))
    return tree.values[written]


def _key_at(tree: Tree, key: int, alias: int | None) -> Scalar:
    return Scalar(tree, tree.targets.get(key, key), alias)


def _merge(mapping: Mapping, value: Node) -> None:
    """What `<<: *anchor` or `<<: [*a, *b]` takes over, the one that wins last; what the mapping has itself wins."""
    for source in reversed(value.items()) if isinstance(value, Sequence) else [value]:
        if not isinstance(source, Mapping):
            raise PlanSyntaxError("`<<` merges mappings only", value.place)
        for name, number in source.entries.items():
            if name not in mapping.entries or name in mapping.merged:
                mapping.entries[name] = number
                mapping.merged[name] = source.seen_through(name)
