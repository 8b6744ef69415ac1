"""What is read in a tree: values, lists, mappings, with aliases followed and `<<` merged.

What an alias stands for is seen at the place of the alias; its own place is kept beside it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from engine.plan.model import Place, Span
from engine.plan.syntax.events import MAX_TEXT_BYTES, PlanSyntaxError, read_events
from engine.plan.syntax.tree import MERGE_TAG, NULL_TAG, SCALAR, SEQUENCE, Tree, constructed

__all__ = ["MAX_TEXT_BYTES", "Mapping", "Node", "PlanSyntaxError", "Scalar", "Sequence", "node_at", "read_events"]

_MERGE = "<<"

_Entry: TypeAlias = tuple[int, int, int | None]
"""Numbers of a key and its value, and of the alias through which both are seen."""


@dataclass(slots=True, eq=False)
class _Node:
    """Not frozen: a plan has ten thousand of these, and freezing doubles their price."""

    tree: Tree
    number: int
    alias: int | None
    """The outermost one through which it is seen here."""

    @property
    def place(self) -> Place:
        own = self.tree.place(self.number)
        if self.alias is None:
            return own
        seen = self.tree.place(self.alias)
        return Place(seen.line, seen.column, origin=own)

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
    def is_null(self) -> bool:
        return self.tree.tags[self.number] == NULL_TAG

    @property
    def value(self) -> Any:
        """As YAML reads it: text, number, bool, None, date."""
        return constructed(self.tree.tags[self.number], self.tree.values[self.number])


@dataclass(slots=True, eq=False)
class Sequence(_Node):
    def items(self) -> "list[Node]":
        """Made anew each time: whoever needs them twice keeps them."""
        return [node_at(self.tree, item, self.alias) for item in self.tree.children(self.number)]


@dataclass(slots=True, eq=False)
class Mapping(_Node):
    entries: dict[str, _Entry]
    """Merged and deduplicated, the last of equal keys winning."""
    hidden: list[Scalar]
    """Its own keys that are given again later, and so are void."""

    def get(self, key: str) -> "Node | None":
        entry = self.entries.get(key)
        return None if entry is None else node_at(self.tree, *entry[1:])

    def given(self, key: str) -> "Node | None":
        """As `get`; a key without a value, or with null, counts as none."""
        node = self.get(key)
        return None if isinstance(node, Scalar) and node.is_null else node

    def key(self, name: str) -> Scalar:
        """The key of that name, as it stands in the text."""
        number, _, alias = self.entries[name]
        return Scalar(self.tree, number, alias)

    def place_of(self, name: str) -> Place:
        """Of that key; of the mapping where there is none."""
        return self.key(name).place if name in self.entries else self.place

    def is_holder(self, name: str) -> bool:
        """Whether something in the value of that key is used elsewhere: the key may be there for an anchor's sake."""
        return self.tree.is_shared(self.entries[name][1])


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
    return Mapping(tree, number, alias, *_entries(tree, number, alias))


def _entries(tree: Tree, number: int, alias: int | None) -> tuple[dict[str, _Entry], list[Scalar]]:
    """The entries of a mapping, merged ones first, so that its own win; and those of its own that are hidden."""
    own: dict[str, _Entry] = {}
    hidden: list[Scalar] = []
    merged: dict[str, _Entry] = {}
    key, after, afters = number + 1, tree.afters[number], tree.afters
    while key < after:
        value, written = afters[key], tree.targets.get(key, key)
        key = afters[value]
        if tree.kinds[written] != SCALAR:
            raise PlanSyntaxError("a key must be plain text", tree.place(written))
        name = tree.values[written]
        if name == _MERGE and tree.tags[written] == MERGE_TAG:
            for source in _merged(node_at(tree, value, alias)):
                merged.update(source.entries)
            continue
        if name in own:
            hidden.append(Scalar(tree, own[name][0], alias))
        own[name] = (written, value, alias)
    return ({**merged, **own} if merged else own), hidden


def _merged(value: Node) -> Iterator[Mapping]:
    """What `<<: *anchor` or `<<: [*a, *b]` takes over, the one that wins last."""
    for source in reversed(value.items()) if isinstance(value, Sequence) else [value]:
        if not isinstance(source, Mapping):
            raise PlanSyntaxError("`<<` merges mappings only", value.place)
        yield source
