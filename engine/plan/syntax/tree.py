"""The YAML documents of a text as trees with the offsets of every node.

One tree serves reading (engine.plan.syntax.nodes) and editing (engine.plan.edits.tree). Nodes are numbers in text
order and become objects only when they are used: a plan of 500 slices has ten thousand nodes, and an object for each
costs more than parsing. PyYAML's `compose` is not used: it drops the positions of aliases and takes twice as long.
"""

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property, lru_cache
from typing import Any

import yaml

from engine.errors import shown
from engine.plan.model import Position
from engine.plan.syntax.events import (
    CLOSING,
    MAX_DEPTH,
    MAX_NODES,
    PlanSyntaxError,
    bounded,
    check_bounds,
    events_of,
    position_of,
)
from engine.plan.syntax.lines import BYTE_ORDER_MARK, Lines


class Kind(Enum):
    SCALAR = "text"
    SEQUENCE = "a list"
    MAPPING = "a mapping"
    ALIAS = "an alias"


SCALAR, SEQUENCE, MAPPING, ALIAS = Kind
_KINDS = {yaml.SequenceStartEvent: SEQUENCE, yaml.MappingStartEvent: MAPPING, yaml.AliasEvent: ALIAS}

TEXT_TAG = "tag:yaml.org,2002:str"
NULL_TAG = "tag:yaml.org,2002:null"
MERGE_TAG = "tag:yaml.org,2002:merge"
_COLLECTION_TAGS = (None, "!", "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map")
_NEVER_WRONG = frozenset(
    ["", TEXT_TAG, NULL_TAG, MERGE_TAG, *(f"tag:yaml.org,2002:{kind}" for kind in ("int", "float", "bool"))]
)
"""Tags that plain text gets only if it can be read as such."""
_RESOLVERS = yaml.SafeLoader.yaml_implicit_resolvers
_CONSTRUCTOR = yaml.constructor.SafeConstructor()
_BAD_SCALAR = (yaml.YAMLError, ValueError, TypeError, KeyError, AttributeError)


@dataclass(eq=False)
class Tree:
    """One document: its nodes, numbered in text order, as one list per attribute."""

    text: str = field(repr=False)
    lines: Lines = field(repr=False)
    kinds: list[Kind] = field(default_factory=list, repr=False)
    starts: list[int] = field(default_factory=list, repr=False)
    """Offset of the first character, including anchor and tag."""
    ends: list[int] = field(default_factory=list, repr=False)
    """Offset after the last character, without comments and blank lines that follow."""
    values: list[str] = field(default_factory=list, repr=False)
    """Text of a scalar, name of an alias; "" for lists and mappings."""
    tags: list[str] = field(default_factory=list, repr=False)
    """YAML tag of a scalar; "" for other nodes."""
    afters: list[int] = field(default_factory=list, repr=False)
    """Number of the first node after the node and its children; 0 while the node is open."""
    irreplaceable: set[int] = field(default_factory=set, repr=False)
    """Nodes with an anchor or a tag, and lists and mappings in block style."""
    tagged: list[int] = field(default_factory=list, repr=False)
    """Scalars with a tag, and lists and mappings with an unusual tag."""
    anchors: dict[str, int] = field(default_factory=dict, repr=False)
    """Anchor name to its node. An anchor that is defined twice is an error."""

    def position(self, number: int) -> Position:
        return self.lines.position(self.starts[number])

    def end(self, number: int) -> Position:
        return self.lines.position(self.ends[number])

    def children(self, number: int) -> list[int]:
        """Return the items of a list; the keys and values of a mapping, alternating."""
        afters, child, after = self.afters, number + 1, self.afters[number]
        children = []
        while child < after:
            children.append(child)
            child = afters[child]
        return children

    @cached_property
    def targets(self) -> dict[int, int]:
        """Alias number to the number of the node that it refers to; without aliases that refer to nothing."""
        return {use: self.anchors[name] for name, uses in self.aliases.items() if name in self.anchors for use in uses}

    @cached_property
    def aliases(self) -> dict[str, list[int]]:
        """Anchor name to the aliases that refer to it, in text order."""
        aliases: dict[str, list[int]] = {}
        for number, kind in enumerate(self.kinds) if ALIAS in self.kinds else ():
            if kind is ALIAS:
                aliases.setdefault(self.values[number], []).append(number)
        return aliases

    @cached_property
    def parents(self) -> list[int]:
        """Number of the parent of each node; -1 for the root."""
        parents: list[int] = []
        open_nodes: list[int] = []
        for number, after in enumerate(self.afters):
            while open_nodes and self.afters[open_nodes[-1]] <= number:
                open_nodes.pop()
            parents.append(open_nodes[-1] if open_nodes else -1)
            if after > number + 1:
                open_nodes.append(number)
        return parents

    def is_shared(self, number: int) -> bool:
        """Return True if an alias refers to the node or to something inside it."""
        first = bisect_left(self._shared, number)
        return first < len(self._shared) and self._shared[first] < self.afters[number]

    @cached_property
    def _shared(self) -> list[int]:
        """Targets of aliases, in text order."""
        return sorted(set(self.targets.values()))


@lru_cache(maxsize=2)
def read_trees(text: str) -> tuple[Tree, ...]:
    """Return the tree of each document that is not empty. Raises PlanSyntaxError.

    Aliases, tags and sizes are not checked: see `check_tree`. Cached, because a plan is checked, listed and edited
    after each key press.
    """
    trees, lines = [], Lines(text)
    with bounded(text), events_of(text) as next_event:
        while (event := next_event()) is not None:
            if isinstance(event, yaml.DocumentStartEvent):
                trees.append(_read_tree(next_event, text, lines))
    return tuple([tree for tree in trees if tree.kinds[0] is not SCALAR or tree.tags[0] != NULL_TAG])


def check_tree(tree: Tree) -> None:
    """Raise PlanSyntaxError for a dangling or circular alias, a tag that does not fit, or an alias bomb."""
    check_aliases(tree)
    _check_tags(tree)
    _check_size(tree)


def check_aliases(tree: Tree) -> None:
    """Raise PlanSyntaxError for an alias that refers to nothing above it, or to a value around it."""
    for name, uses in tree.aliases.items():
        target = tree.anchors.get(name)
        for use in uses:
            if target is None or target > use:
                raise PlanSyntaxError(f"`*{shown(name)}` refers to nothing above it", tree.position(use))
            if use < tree.afters[target]:
                raise PlanSyntaxError(f"`*{shown(name)}` is inside the value that it refers to", tree.position(use))


def constructed(tag: str, text: str) -> Any:
    """Return the Python value of a scalar with that tag."""
    return text if tag in (TEXT_TAG, MERGE_TAG) else _constructed(tag, text)


def _read_tree(next_event: Callable[[], Any], text: str, lines: Lines) -> Tree:
    """Read one document up to and including its end event.

    This loop runs once for each of the sixteen thousand events of 500 slices, so that only rare cases are functions.
    """
    tree, open_nodes = Tree(text, lines), list[int]()
    kinds, starts, ends, values, tags, afters = _columns(tree)
    end = 0
    while (kind := type(event := next_event())) is not yaml.DocumentEndEvent:
        if kind in CLOSING:
            number = open_nodes.pop()
            mark = event.end_mark.index
            if mark > event.start_mark.index:
                end = mark  # a bracket; block style ends with its last value, while libyaml marks the next token
            ends[number], afters[number] = end, len(kinds)
            continue
        number = len(kinds)
        starts.append(event.start_mark.index)
        ends.append(end := event.end_mark.index)
        afters.append(number + 1)
        if kind is yaml.ScalarEvent:
            kinds.append(SCALAR)
            values.append(value := event.value)
            if event.implicit[0]:
                tags.append(_plain_tag(value))
            else:
                end = _add_tag(tree, number, event)
        else:
            kinds.append(_KINDS[kind])
            values.append("")
            tags.append("")
            if kind is not yaml.AliasEvent:
                open_nodes.append(number)
                _open(tree, number, event, len(open_nodes))
        if event.anchor is not None:
            _add_anchor(tree, number, event)
    if text.startswith(BYTE_ORDER_MARK):  # libyaml does not count it
        starts[:], ends[:] = [start + 1 for start in starts], [end + 1 for end in ends]
    return tree


def _columns(tree: Tree) -> tuple[list[Kind], list[int], list[int], list[str], list[str], list[int]]:
    return tree.kinds, tree.starts, tree.ends, tree.values, tree.tags, tree.afters


def _open(tree: Tree, number: int, event: Any, depth: int) -> None:
    """Record a list or a mapping that begins."""
    if depth > MAX_DEPTH or number > MAX_NODES:
        check_bounds(event, depth, number)
    if event.tag not in _COLLECTION_TAGS:
        tree.tags[number] = event.tag
        tree.tagged.append(number)
    if event.tag is not None or not event.flow_style:
        tree.irreplaceable.add(number)
    tree.afters[number] = 0


def _add_tag(tree: Tree, number: int, event: Any) -> int:
    """Record the tag of a scalar in quotes, in block style or with a tag. Returns the scalar's end."""
    tree.tags.append(TEXT_TAG if event.tag in (None, "!") else event.tag)
    if event.tag not in (None, "!"):
        tree.tagged.append(number)
    if event.style in ("|", ">"):  # libyaml counts the line breaks that follow
        mark = 1 if tree.text.startswith(BYTE_ORDER_MARK) else 0
        start = tree.starts[number]
        written = tree.text[start + mark : tree.ends[number] + mark]
        tree.ends[number] = start + len(written.rstrip())
    return tree.ends[number]


def _add_anchor(tree: Tree, number: int, event: Any) -> None:
    """Record an anchor, or the name of an alias."""
    name = event.anchor
    if tree.kinds[number] is ALIAS:
        tree.values[number] = name
        return
    if name in tree.anchors:
        raise PlanSyntaxError(f"the anchor `&{shown(name)}` is defined twice", position_of(event.start_mark))
    tree.anchors[name] = number
    tree.irreplaceable.add(number)


def _check_tags(tree: Tree) -> None:
    for number in tree.tagged:
        if tree.kinds[number] is not SCALAR:
            message = f"{tree.kinds[number].value} cannot have the tag {shown(tree.tags[number])}"
            raise PlanSyntaxError(message, tree.position(number))
        _require_readable(tree, number)
    if not _NEVER_WRONG.issuperset(tree.tags):
        for number, tag in enumerate(tree.tags):
            if tag not in _NEVER_WRONG:
                _require_readable(tree, number)


def _require_readable(tree: Tree, number: int) -> None:
    tag, text = tree.tags[number], tree.values[number]
    try:
        constructed(tag, text)
    except _BAD_SCALAR as error:
        raise PlanSyntaxError(f"{shown(text)} cannot be read as {shown(tag)}", tree.position(number)) from error


@lru_cache(maxsize=4096)
def _plain_tag(text: str) -> str:
    """Return the tag of text without quotes and without a tag."""
    for tag, pattern in (*_RESOLVERS.get(text[:1], ()), *_RESOLVERS.get(None, ())):
        if pattern.match(text):
            return str(tag)
    return TEXT_TAG


@lru_cache(maxsize=4096)
def _constructed(tag: str, text: str) -> Any:
    return _CONSTRUCTOR.construct_object(yaml.ScalarNode(tag, text))


def _check_size(tree: Tree) -> None:
    """Raise PlanSyntaxError if the tree with all aliases expanded is too large. Nothing is expanded."""
    if not tree.targets:
        return
    sizes, depths = [1] * len(tree.kinds), [1] * len(tree.kinds)
    for number in sorted(range(len(tree.kinds)), key=lambda number: (tree.afters[number], -number)):  # as they close
        if number in tree.targets:
            sizes[number], depths[number] = sizes[tree.targets[number]], depths[tree.targets[number]]
        elif parts := tree.children(number):
            sizes[number] = 1 + sum(sizes[part] for part in parts)
            depths[number] = 1 + max(depths[part] for part in parts)
        if sizes[number] > MAX_NODES:
            raise PlanSyntaxError(f"aliases expand to more than {MAX_NODES:,} values", tree.position(number))
        if depths[number] > MAX_DEPTH + 1:
            raise PlanSyntaxError(f"aliases are nested more than {MAX_DEPTH} deep", tree.position(number))
