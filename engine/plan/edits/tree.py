"""A plan's text as a tree in which every node knows the characters it stands on, and aliases stay aliases.

The parser's tree (engine.plan.syntax) says what a text means; this one says where an edit must cut. Nodes are numbers
in text order and become objects only where an edit looks, so that 500 slices cost little more than libyaml's work.
"""

import re
from dataclasses import dataclass, field
from enum import Enum

from engine.plan.edits.lines import Lines

_PROPERTY = re.compile(r"!<[^>]*>|[&!][^\s,\[\]{}]*")
"""An anchor or a tag before a value."""
_BLANK = re.compile("(?:\\s|#[^\n\r\x85\u2028\u2029]*)*")
"""Space, line breaks and comments."""


class Kind(Enum):
    SCALAR = "text"
    ALIAS = "an alias"
    SEQUENCE = "a list"
    MAPPING = "a mapping"


@dataclass(frozen=True, eq=False)
class Tree:
    """A text and its nodes, numbered in text order: a list for each thing known of them."""

    text: str
    lines: Lines
    kinds: list[Kind] = field(default_factory=list, repr=False)
    starts: list[int] = field(default_factory=list, repr=False)
    """Where each begins, with its anchor and tag."""
    ends: list[int] = field(default_factory=list, repr=False)
    """Where each one's last character stands, plus one: comments and blank lines behind it are not its own."""
    afters: list[int] = field(default_factory=list, repr=False)
    """For each, the number of the first node that is not inside it."""
    parents: list[int] = field(default_factory=list, repr=False)
    """-1 for the root."""
    values: list[str] = field(default_factory=list, repr=False)
    """What a scalar says; an alias's name; "" for lists and mappings."""
    anchors: dict[str, int] = field(default_factory=dict, repr=False)
    """Name to the node that carries it. A text that parses has each name once."""
    aliases: dict[str, list[int]] = field(default_factory=dict, repr=False)
    """Name to the aliases that refer to it, in text order."""

    @property
    def root(self) -> "Node | None":
        return Node(self, 0) if self.kinds else None

    def anchored(self, name: str) -> "Node":
        return Node(self, self.anchors[name])


@dataclass(frozen=True, slots=True)
class Node:
    """One value in the text: a scalar, a list, a mapping, or an alias of one."""

    tree: Tree = field(repr=False)
    number: int
    """Its place among the nodes in text order."""

    @property
    def kind(self) -> Kind:
        return self.tree.kinds[self.number]

    @property
    def value(self) -> str:
        """What a scalar says, as text; the name in an alias."""
        return self.tree.values[self.number]

    @property
    def start(self) -> int:
        """Where it begins, with its anchor and tag."""
        return self.tree.starts[self.number]

    @property
    def body(self) -> int:
        """Where it begins, behind its anchor and tag."""
        spans = self.properties
        return min(self.end, after_blanks(self.tree.text, spans[-1][1])) if spans else self.start

    @property
    def properties(self) -> tuple[tuple[int, int], ...]:
        """Where its anchor and its tag begin and end, in the order in which they stand."""
        if self.kind is Kind.ALIAS:
            return ()
        spans, at = [], self.start
        while at < self.end and (found := _PROPERTY.match(self.tree.text, at)):
            spans.append(found.span())
            at = after_blanks(self.tree.text, found.end())
        return tuple(spans)

    @property
    def anchor(self) -> str | None:
        """The name of the anchor it carries."""
        return next((mark[1:] for mark in self._marks if mark[0] == "&"), None)

    @property
    def tag(self) -> str:
        """As written; "" without one."""
        return next((mark for mark in self._marks if mark[0] == "!"), "")

    @property
    def _marks(self) -> list[str]:
        return [self.tree.text[start:end] for start, end in self.properties]

    @property
    def is_empty(self) -> bool:
        """Nothing is written, which YAML reads as null."""
        return self.body == self.end

    @property
    def end(self) -> int:
        return self.tree.ends[self.number]

    @property
    def sign(self) -> str:
        """Its first character behind anchor and tag: tells quotes, brackets, block scalars."""
        return self.tree.text[self.body : self.body + 1]

    @property
    def has_brackets(self) -> bool:
        """False for block style, and for a lone `key: value` in a flow list."""
        return self.kind in (Kind.SEQUENCE, Kind.MAPPING) and self.sign in ("{", "[")

    @property
    def is_inside_brackets(self) -> bool:
        parent = self.parent
        return parent is not None and (parent.has_brackets or parent.is_inside_brackets)

    @property
    def line(self) -> int:
        """Where it begins, counted from 1."""
        return self.tree.lines.at(self.start) + 1

    @property
    def parent(self) -> "Node | None":
        number = self.tree.parents[self.number]
        return Node(self.tree, number) if number >= 0 else None

    @property
    def children(self) -> "tuple[Node, ...]":
        """The items of a list; keys and values of a mapping in turn."""
        return tuple(Node(self.tree, number) for number in self.child_numbers)

    @property
    def child_numbers(self) -> list[int]:
        """Those of `children`, for whoever looks at many and wants few."""
        afters, number, after = self.tree.afters, self.number + 1, self.tree.afters[self.number]
        numbers = []
        while number < after:
            numbers.append(number)
            number = afters[number]
        return numbers

    @property
    def pairs(self) -> "tuple[tuple[Node, Node], ...]":
        """The keys of a mapping with their values, as they stand: repeated keys and `<<` included."""
        children = self.children
        return tuple(zip(children[::2], children[1::2], strict=True))

    @property
    def is_key(self) -> bool:
        parent = self.parent
        return parent is not None and parent.kind is Kind.MAPPING and self in parent.children[::2]

    @property
    def target(self) -> "Node":
        """What it stands for: itself, or what an alias refers to."""
        return self.tree.anchored(self.value) if self.kind is Kind.ALIAS else self

    def holds(self, number: int) -> bool:
        """Whether the node of that number is this one or inside it."""
        return self.number <= number < self.tree.afters[self.number]

    @property
    def anchors_inside(self) -> dict[str, "Node"]:
        """Name to node, for every anchor on it or in it, from the outside in."""
        return {name: Node(self.tree, number) for name, number in self.tree.anchors.items() if self.holds(number)}


def after_blanks(text: str, offset: int) -> int:
    """Where space, line breaks and comments from `offset` on are over."""
    found = _BLANK.match(text, offset)
    return found.end() if found else offset
