"""The YAML documents of a text as trees of numbers, which remember where everything stands.

Nodes are numbers in text order, and become objects only when they are read (engine.plan.syntax.nodes): a plan of 500
slices has ten thousand, and as many objects at once would keep the garbage collector busy for longer than reading
them takes. PyYAML's `compose` is not used: it forgets where an alias was used, and takes twice as long.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import accumulate
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
    place_of,
)

SCALAR, SEQUENCE, MAPPING, ALIAS = range(4)
_KINDS = {yaml.SequenceStartEvent: SEQUENCE, yaml.MappingStartEvent: MAPPING, yaml.AliasEvent: ALIAS}
_COLLECTIONS = (SEQUENCE, MAPPING)
_BREAKS = ("\n", "\r", "\x85", "\u2028", "\u2029")

TEXT_TAG = "tag:yaml.org,2002:str"
NULL_TAG = "tag:yaml.org,2002:null"
MERGE_TAG = "tag:yaml.org,2002:merge"
_COLLECTION_TAGS = (None, "!", "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map")
_NEVER_WRONG = frozenset(
    ["", TEXT_TAG, NULL_TAG, MERGE_TAG, *(f"tag:yaml.org,2002:{kind}" for kind in ("int", "float", "bool"))]
)
"""Tags that plain text gets only where it can be read as such."""
_RESOLVERS = yaml.SafeLoader.yaml_implicit_resolvers
_CONSTRUCTOR = yaml.constructor.SafeConstructor()
_BAD_SCALAR = (yaml.YAMLError, ValueError, TypeError, KeyError, AttributeError)


@dataclass(eq=False)
class Tree:
    """One document and its nodes, numbered in text order: a list for each thing known of them."""

    lines: Sequence[int] = field(repr=False)
    """Where each line of the text begins. All offsets are libyaml's: a byte order mark is not counted."""
    kinds: list[int] = field(default_factory=list, repr=False)
    starts: list[int] = field(default_factory=list, repr=False)
    """The offset where each begins, with its anchor and tag."""
    ends: list[int] = field(default_factory=list, repr=False)
    """The offset where each ends; for block style, where the next token begins."""
    values: list[str] = field(default_factory=list, repr=False)
    """What a scalar says; "" for the rest."""
    tags: list[str] = field(default_factory=list, repr=False)
    """What a scalar is: text, a number, a date; "" for the rest."""
    afters: list[int] = field(default_factory=list, repr=False)
    """For each, the number of the first node that is not inside it; 0 while it is open."""
    irreplaceable: set[int] = field(default_factory=set, repr=False)
    """Nodes with an anchor or a tag, and lists and mappings in block style, whose ends libyaml does not tell."""
    targets: dict[int, int] = field(default_factory=dict, repr=False)
    """Alias to what it refers to."""

    def place(self, number: int) -> Position:
        return self._place_at(self.starts[number])

    def end(self, number: int) -> Position:
        return self._place_at(self.ends[number])

    def _place_at(self, offset: int) -> Position:
        line = bisect_right(self.lines, offset)
        return Position(line, offset - self.lines[line - 1] + 1)

    def content_end(self, number: int) -> Position:
        """As `end`; for block style, the end of the last value in it."""
        while self.kinds[number] in _COLLECTIONS and number in self.irreplaceable and (inside := self.children(number)):
            number = inside[-1]
        return self.end(number)

    def children(self, number: int) -> list[int]:
        """The items of a list; keys and values of a mapping in turn."""
        afters, child, after = self.afters, number + 1, self.afters[number]
        found = []
        while child < after:
            found.append(child)
            child = afters[child]
        return found

    def is_shared(self, number: int) -> bool:
        """Whether an alias refers to the node or to something inside it."""
        first = bisect_left(self._shared, number)
        return first < len(self._shared) and self._shared[first] < self.afters[number]

    @cached_property
    def _shared(self) -> list[int]:
        """What aliases refer to, in text order."""
        return sorted(set(self.targets.values()))


def read_trees(text: str) -> list[Tree]:
    """The tree of each document that is not empty. Raises PlanSyntaxError."""
    trees, lines = [], _line_starts(text)
    with bounded(text), events_of(text) as next_event:
        while (event := next_event()) is not None:
            if isinstance(event, yaml.DocumentStartEvent):
                trees.append(_read_tree(next_event, lines))
    return [tree for tree in trees if tree.kinds[0] != SCALAR or tree.tags[0] != NULL_TAG]


def _line_starts(text: str) -> list[int]:
    """Python sees the line breaks that YAML sees, and a few more that no YAML text may contain."""
    starts = [0, *accumulate(map(len, text.removeprefix("\ufeff").splitlines(keepends=True)))]
    return starts if text[-1:] in _BREAKS else starts[:-1] or [0]


def constructed(tag: str, text: str) -> Any:
    """What YAML reads in a scalar of that tag."""
    return text if tag in (TEXT_TAG, MERGE_TAG) else _constructed(tag, text)


def _read_tree(next_event: Callable[[], Any], lines: Sequence[int]) -> Tree:
    """The tree of one document, whose end is taken from the events too.

    The loop at the heart of it: it turns once for each of the sixteen thousand events of 500 slices, so what is rare
    stands in functions of its own and what is not stands here.
    """
    tree, inside = Tree(lines), list[int]()
    anchors: dict[str, int] = {}
    kinds, starts, ends, values, tags, afters = _columns(tree)
    while (found := type(event := next_event())) is not yaml.DocumentEndEvent:
        if found in CLOSING:
            number = inside.pop()
            ends[number], afters[number] = event.end_mark.index, len(kinds)
            continue
        number = len(kinds)
        starts.append(event.start_mark.index)
        ends.append(event.end_mark.index)
        afters.append(number + 1)
        if found is yaml.ScalarEvent:
            kinds.append(SCALAR)
            values.append(event.value)
            tags.append(_plain_tag(event.value) if event.implicit[0] else _tag(event))
        else:
            kinds.append(_KINDS[found])
            values.append("")
            tags.append("")
            if found is not yaml.AliasEvent:
                inside.append(number)
                _open(tree, number, event, len(inside))
        if event.anchor is not None:
            _refer(tree, number, event, anchors)
    _check_plain(tree)
    _check_size(tree)
    return tree


def _columns(tree: Tree) -> tuple[list[int], list[int], list[int], list[str], list[str], list[int]]:
    return tree.kinds, tree.starts, tree.ends, tree.values, tree.tags, tree.afters


def _open(tree: Tree, number: int, event: Any, depth: int) -> None:
    """What is to be known of a list or a mapping that begins."""
    if depth > MAX_DEPTH or number > MAX_NODES:
        check_bounds(event, depth, number)
    if event.tag not in _COLLECTION_TAGS:
        raise PlanSyntaxError(f"this cannot be read as {shown(event.tag)}", place_of(event.start_mark))
    if event.tag is not None or not event.flow_style:
        tree.irreplaceable.add(number)
    tree.afters[number] = 0


def _refer(tree: Tree, number: int, event: Any, anchors: dict[str, int]) -> None:
    """Notes an anchor, or what an alias refers to."""
    name = event.anchor
    if tree.kinds[number] != ALIAS:
        if name in anchors:
            raise PlanSyntaxError(f"the anchor `&{shown(name)}` is given twice", place_of(event.start_mark))
        anchors[name] = number
        tree.irreplaceable.add(number)
        return
    target = anchors.get(name)
    if target is None or not tree.afters[target]:
        why = "refers to nothing above it" if target is None else "stands inside what it refers to"
        raise PlanSyntaxError(f"`*{shown(name)}` {why}", place_of(event.start_mark))
    tree.targets[number] = target


def _tag(event: Any) -> str:
    """What a scalar in quotes or with a tag is. Raises PlanSyntaxError for what it cannot be."""
    tag: str = TEXT_TAG if event.tag in (None, "!") else event.tag
    _require_readable(tag, event.value, place_of(event.start_mark))
    return tag


def _check_plain(tree: Tree) -> None:
    """Raises PlanSyntaxError where text without quotes looks like a date and is none."""
    if _NEVER_WRONG.issuperset(tree.tags):
        return
    for number, tag in enumerate(tree.tags):
        if tag not in _NEVER_WRONG:
            _require_readable(tag, tree.values[number], tree.place(number))


def _require_readable(tag: str, text: str, place: Position) -> None:
    try:
        constructed(tag, text)
    except _BAD_SCALAR as error:
        raise PlanSyntaxError(f"{shown(text)} cannot be read as {shown(tag)}", place) from error


@lru_cache(maxsize=4096)
def _plain_tag(text: str) -> str:
    """What text without quotes and tag is."""
    for tag, pattern in (*_RESOLVERS.get(text[:1], ()), *_RESOLVERS.get(None, ())):
        if pattern.match(text):
            return str(tag)
    return TEXT_TAG


@lru_cache(maxsize=4096)
def _constructed(tag: str, text: str) -> Any:
    return _CONSTRUCTOR.construct_object(yaml.ScalarNode(tag, text))


def _check_size(tree: Tree) -> None:
    """Measures the tree with aliases written out, without writing them out: a few can mean billions of values."""
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
            raise PlanSyntaxError(f"aliases stand for more than {MAX_NODES:,} values", tree.place(number))
        if depths[number] > MAX_DEPTH + 1:
            raise PlanSyntaxError(f"aliases nest more than {MAX_DEPTH} deep", tree.place(number))
