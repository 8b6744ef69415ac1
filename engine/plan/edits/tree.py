"""Nodes of a plan's text for edits: where to cut, with aliases and anchors as written.

The tree is the parser's (engine.plan.syntax.tree). A node becomes an object only where an edit uses it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from engine.errors import PlanError
from engine.plan.syntax.events import PlanSyntaxError
from engine.plan.syntax.lines import Lines
from engine.plan.syntax.tree import Kind, Tree, check_aliases, read_trees

Step: TypeAlias = "str | int"
"""A key of a mapping, or the index of an item, from 0."""

EDIT_THE_TEXT = "Edit the text."
_NULLS = ("", "~", "null", "Null", "NULL")
_MERGE = "<<"
_PROPERTY = re.compile(r"!<[^>]*>|[&!][^\s,\[\]{}]*")
"""An anchor or a tag before a value."""
_BLANK = re.compile("(?:\\s|#[^\n\r\x85\u2028\u2029]*)*")
"""Spaces, line breaks and comments."""


@dataclass(frozen=True, slots=True)
class Node:
    """One value in the text: a scalar, a list, a mapping, or an alias."""

    tree: Tree = field(repr=False)
    number: int
    """Index among the nodes in text order."""

    @property
    def kind(self) -> Kind:
        return self.tree.kinds[self.number]

    @property
    def value(self) -> str:
        """Text of a scalar; name of an alias."""
        return self.tree.values[self.number]

    @property
    def start(self) -> int:
        """Offset of the first character, including anchor and tag."""
        return self.tree.starts[self.number]

    @property
    def body(self) -> int:
        """Offset of the first character after anchor and tag."""
        spans = self.properties
        return min(self.end, after_blanks(self.tree.text, spans[-1][1])) if spans else self.start

    @property
    def properties(self) -> tuple[tuple[int, int], ...]:
        """Start and end of the anchor and the tag, in text order."""
        if self.kind is Kind.ALIAS:
            return ()
        spans, at = [], self.start
        while at < self.end and (match := _PROPERTY.match(self.tree.text, at)):
            spans.append(match.span())
            at = after_blanks(self.tree.text, match.end())
        return tuple(spans)

    @property
    def anchor(self) -> str | None:
        """Name of the node's anchor."""
        return next((mark[1:] for mark in self._marks if mark[0] == "&"), None)

    @property
    def tag(self) -> str:
        """Tag as written; "" if there is no tag."""
        return next((mark for mark in self._marks if mark[0] == "!"), "")

    @property
    def _marks(self) -> list[str]:
        return [self.tree.text[start:end] for start, end in self.properties]

    @property
    def is_empty(self) -> bool:
        """Return True if nothing is written, which YAML reads as null."""
        return self.body == self.end

    @property
    def end(self) -> int:
        return self.tree.ends[self.number]

    @property
    def sign(self) -> str:
        """First character after anchor and tag: a quote, a bracket, a block indicator."""
        return self.tree.text[self.body : self.body + 1]

    @property
    def has_brackets(self) -> bool:
        """False for block style, and for a single `key: value` in a flow list."""
        return self.kind in (Kind.SEQUENCE, Kind.MAPPING) and self.sign in ("{", "[")

    @property
    def is_inside_brackets(self) -> bool:
        parent = self.parent
        return parent is not None and (parent.has_brackets or parent.is_inside_brackets)

    @property
    def line(self) -> int:
        """Line of the first character, counted from 1."""
        return self.tree.lines.at(self.start) + 1

    @property
    def parent(self) -> "Node | None":
        number = self.tree.parents[self.number]
        return Node(self.tree, number) if number >= 0 else None

    @property
    def children(self) -> "tuple[Node, ...]":
        """Items of a list; keys and values of a mapping, alternating."""
        return tuple(Node(self.tree, number) for number in self.tree.children(self.number))

    @property
    def pairs(self) -> "tuple[tuple[Node, Node], ...]":
        """Keys and values of a mapping as written, repeated keys and `<<` included."""
        children = self.children
        return tuple(zip(children[::2], children[1::2], strict=True))

    @property
    def is_key(self) -> bool:
        parent = self.parent
        return parent is not None and parent.kind is Kind.MAPPING and self in parent.children[::2]

    @property
    def target(self) -> "Node":
        """Node that an alias refers to; for other nodes the node itself."""
        return anchored(self.tree, self.value) if self.kind is Kind.ALIAS else self

    def contains(self, number: int) -> bool:
        """Return True if the node with that number is this node or inside it."""
        return self.number <= number < self.tree.afters[self.number]

    @property
    def anchors_inside(self) -> dict[str, "Node"]:
        """Anchor name to node, for every anchor on the node or inside it, outermost first."""
        return {name: Node(self.tree, number) for name, number in self.tree.anchors.items() if self.contains(number)}


def open_tree(text: str) -> Tree:
    """Return the tree of a text with valid aliases. Raises PlanError."""
    try:
        tree = read_tree(text)
        check_aliases(tree)
    except PlanSyntaxError as problem:
        why = f"line {problem.place.line}: {problem.message}"
        raise PlanError("the plan cannot be edited as slices", why=why, fix="Fix the text first.") from problem
    return tree


def read_tree(text: str) -> Tree:
    """Return the tree of a text with at most one document. Aliases are not checked. Raises PlanSyntaxError."""
    trees = read_trees(text)
    if len(trees) > 1:
        raise PlanSyntaxError("only a single YAML document can be edited", trees[1].position(0))
    return trees[0] if trees else Tree(text, Lines(text))


def root_of(tree: Tree) -> Node | None:
    """Return the root; None for an empty text."""
    return Node(tree, 0) if tree.kinds else None


def anchored(tree: Tree, name: str) -> Node:
    return Node(tree, tree.anchors[name])


def after_blanks(text: str, offset: int) -> int:
    """Return the offset after spaces, line breaks and comments that start at `offset`."""
    match = _BLANK.match(text, offset)
    return match.end() if match else offset


def slice_list(tree: Tree) -> Node:
    """Return the list of slices. Raises PlanError."""
    listed = find(tree, ["slices"]).target
    if listed.kind is not Kind.SEQUENCE:
        raise _not_a_list("`slices`", listed)
    return listed


def has_no_slices(tree: Tree) -> bool:
    """Return True for an empty text or an empty list of slices."""
    root = root_of(tree)
    if root is None:
        return True
    slices = value_of(root, "slices")
    return slices is not None and is_nothing(slices.target)


def is_nothing(node: Node) -> bool:
    """Return True for an empty list and for null."""
    is_plain = node.sign not in ("'", '"', "|", ">")
    return not node.children and (node.kind is not Kind.SCALAR or (is_plain and node.value in _NULLS))


def find(tree: Tree, steps: Sequence[Step]) -> Node:
    """Return the node at the end of a path from the root; a final alias is not followed. Raises PlanError."""
    return path_to(tree, steps)[-1]


def path_to(tree: Tree, steps: Sequence[Step]) -> list[Node]:
    """Return the node at each step of a path from the root, as written: possibly an alias. Raises PlanError."""
    root = root_of(tree)
    if root is None:
        raise PlanError("the plan is empty", fix="Start with a recipe.")
    nodes = [root]
    for taken, step in enumerate(steps):
        parent, name = nodes[-1].target, name_of(steps[:taken])
        nodes.append(_item(parent, step, name) if isinstance(step, int) else _entry(parent, step, name))
    return nodes[1:]


def value_of(mapping: Node | None, key: str) -> Node | None:
    """Return the effective value of a key: the last of repeated keys, else a merged one. None if not a mapping."""
    return next(_values(mapping, key), None)


def hidden_value_of(mapping: Node, key: str) -> Node | None:
    """Return the value that a key would have without the mapping's effective entry for it."""
    values = _values(mapping, key)
    next(values, None)
    return next(values, None)


def own_value(mapping: Node, key: str) -> Node | None:
    """Return the value of a key in the mapping itself, without merges; the last of repeated keys."""
    return next(_own_values(mapping, key), None)


def name_of(steps: Sequence[Step]) -> str:
    """Return the name of a path for a message. Slices are counted from 1."""
    keys = [step for step in steps[2:] if isinstance(step, str)]
    if len(steps) < 2:
        return f"`{steps[0]}`" if steps else "the plan"
    return f"`{keys[-1]}` of slice {int(steps[1]) + 1}" if keys else f"slice {int(steps[1]) + 1}"


def _values(mapping: Node | None, key: str) -> Iterator[Node]:
    """Yield the effective value, then those that it hides."""
    if mapping is not None and mapping.kind is Kind.MAPPING:
        yield from _own_values(mapping, key)
        yield from _merged_values(mapping, key)


def _own_values(mapping: Node, key: str) -> Iterator[Node]:
    tree, numbers = mapping.tree, mapping.tree.children(mapping.number)
    for number, value in zip(reversed(numbers[::2]), reversed(numbers[1::2]), strict=True):
        written = tree.values[number] if tree.kinds[number] is Kind.SCALAR else Node(tree, number).target.value
        if written == key:
            yield Node(tree, value)


def _merged_values(mapping: Node, key: str) -> Iterator[Node]:
    """Yield merged values in YAML's order: a later `<<` wins, and of `<<: [*a, *b]` the earlier mapping."""
    for merge in _own_values(mapping, _MERGE):
        listed = merge.target
        for source in listed.children if listed.kind is Kind.SEQUENCE else (listed,):
            yield from _values(source.target, key)


def _entry(parent: Node, key: str, name: str) -> Node:
    if parent.kind is not Kind.MAPPING:
        why = f"it is {parent.kind.value}, not a mapping"
        raise PlanError(f"{name} cannot be edited", why=why, fix=EDIT_THE_TEXT)
    value = value_of(parent, key)
    if value is not None:
        return value
    if key == "slices" and value_of(parent, "models") is not None:
        raise PlanError("the plan has no slices to edit", why="it lists `models`", fix="Write the models as `slices`.")
    raise PlanError(f"{name} cannot be edited", why=f"it has no `{key}`", fix=EDIT_THE_TEXT)


def _item(parent: Node, index: int, name: str) -> Node:
    items = parent.children
    if parent.kind is not Kind.SEQUENCE and not is_nothing(parent):
        raise _not_a_list(name, parent)
    if name.startswith("`sources`") and len(items) != 1:
        why = f"it has {len(items)} sources, and a passthrough slice has exactly one"
        raise PlanError(f"{name} cannot be edited", why=why, fix="Split it in the text: one slice per source.")
    if 0 <= index < len(items):
        return items[index]
    if name == "`slices`":
        raise PlanError(f"there is no slice {index + 1}", why=f"the plan has {len(items)}")
    raise PlanError(f"{name} cannot be edited", why=f"it has {len(items)} items", fix=EDIT_THE_TEXT)


def _not_a_list(name: str, node: Node) -> PlanError:
    return PlanError(f"{name} cannot be edited", why=f"it is {node.kind.value}, not a list", fix=EDIT_THE_TEXT)
