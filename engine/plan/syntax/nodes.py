"""YAML text as a tree that remembers where everything stands.

PyYAML's `compose` gives nodes with line and column and reads what mergekit's users write: anchors, merge keys,
repeated keys of which the last wins.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import yaml

from engine.errors import shown
from engine.plan.model import Place

MAX_TEXT_BYTES = 2_000_000
MAX_NODES = 100_000
"""Counted with every alias expanded."""
MAX_DEPTH = 40
"""A plan needs 8; deeper text is an attack or an accident."""

_MERGE_TAG = "tag:yaml.org,2002:merge"
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class PlanSyntaxError(Exception):
    """The text is not YAML, or not YAML that a plan may be."""

    def __init__(self, message: str, place: Place, fix: str = "") -> None:
        super().__init__(message)
        self.message, self.place, self.fix = message, place, fix


@dataclass(frozen=True, slots=True)
class Scalar:
    value: Any
    """As YAML reads it: text, number, bool, None, date."""
    text: str
    """As written."""
    place: Place


@dataclass(frozen=True, slots=True)
class Sequence:
    items: tuple["Node", ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Entry:
    key: str
    key_place: Place
    value: "Node"
    is_shared: bool
    """The value is used again through an alias: its key may be a mere holder of an anchor."""


@dataclass(frozen=True, slots=True)
class Mapping:
    entries: tuple[Entry, ...]
    """Merged and deduplicated, the last of equal keys winning."""
    place: Place

    def get(self, key: str) -> "Node | None":
        return next((entry.value for entry in self.entries if entry.key == key), None)

    def place_of(self, key: str) -> Place:
        return next((entry.key_place for entry in self.entries if entry.key == key), self.place)


Node: TypeAlias = Scalar | Sequence | Mapping


def read_nodes(text: str) -> Node | None:
    """The tree of the single YAML document in `text`, None when it is empty. Raises PlanSyntaxError."""
    if len(text) > MAX_TEXT_BYTES:
        raise PlanSyntaxError(f"the text has {len(text):,} characters, a plan may have {MAX_TEXT_BYTES:,}", Place(1, 1))
    try:
        _check_depth(text)
        root = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        raise PlanSyntaxError(_reason(error), _place(error.problem_mark or error.context_mark)) from error
    except yaml.reader.ReaderError as error:
        raise PlanSyntaxError(
            f"a character that YAML forbids: {shown(error.reason)}", _place_at(text, error)
        ) from error
    if root is None:
        return None
    _check_size(root)
    return _Tree(root).built


def _check_depth(text: str) -> None:
    """Walks the events, which never recurse, before `compose`, which does."""
    depth = 0
    for count, event in enumerate(yaml.parse(text, Loader=_LOADER)):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise PlanSyntaxError(f"nested more than {MAX_DEPTH} deep", _place(event.start_mark))
        if count > 2 * MAX_NODES:
            raise PlanSyntaxError(f"more than {MAX_NODES:,} values", _place(event.start_mark))


def _check_size(root: yaml.Node) -> None:
    """Measures the tree with aliases expanded, without expanding them: a few anchors can mean billions of values."""
    measured: dict[int, tuple[int, int]] = {}

    def measure(node: yaml.Node) -> tuple[int, int]:
        """How many nodes, how deep. An alias comes after its anchor, so this is never deeper than the text."""
        if id(node) not in measured:
            measured[id(node)] = MAX_NODES + 1, 0
            children = [measure(child) for child in _children(node)]
            size, depth = sum(size for size, _ in children), max((depth for _, depth in children), default=0)
            measured[id(node)] = 1 + size, 1 + depth
        return measured[id(node)]

    size, depth = measure(root)
    if size > MAX_NODES:
        raise PlanSyntaxError(
            f"anchors expand to more than {MAX_NODES:,} values or contain themselves", _place(root.start_mark)
        )
    if depth > MAX_DEPTH:
        raise PlanSyntaxError(f"anchors nest more than {MAX_DEPTH} deep", _place(root.start_mark))


class _Tree:
    """Turns composed nodes into ours, each shared node once."""

    def __init__(self, root: yaml.Node) -> None:
        self._uses = Counter(id(child) for node in _all_nodes(root) for child in _children(node))
        self._scalars = yaml.constructor.SafeConstructor()
        self._done: dict[int, Node] = {}
        self.built = self._build(root)

    def _build(self, node: yaml.Node) -> Node:
        if id(node) not in self._done:
            self._done[id(node)] = self._convert(node)
        return self._done[id(node)]

    def _convert(self, node: yaml.Node) -> Node:
        place = _place(node.start_mark)
        if isinstance(node, yaml.MappingNode):
            return Mapping(tuple({entry.key: entry for entry in self._entries(node)}.values()), place)
        if isinstance(node, yaml.SequenceNode):
            return Sequence(tuple(self._build(item) for item in node.value), place)
        return Scalar(self._scalar_value(node), node.value, place)

    def _entries(self, node: yaml.MappingNode) -> Iterator[Entry]:
        """Merged entries first, so that the mapping's own keys win."""
        for key, value in node.value:
            if key.tag == _MERGE_TAG:
                yield from self._merged(value)
        for key, value in node.value:
            if key.tag != _MERGE_TAG:
                yield Entry(_key_text(key), _place(key.start_mark), self._build(value), self._uses[id(value)] > 1)

    def _merged(self, value: yaml.Node) -> Iterator[Entry]:
        """The entries of `<<: *anchor` or `<<: [*a, *b]`, where the earlier of several wins."""
        sources = reversed(value.value) if isinstance(value, yaml.SequenceNode) else [value]
        for source in sources:
            if not isinstance(source, yaml.MappingNode):
                raise PlanSyntaxError("`<<` merges mappings only", _place(value.start_mark))
            yield from self._entries(source)

    def _scalar_value(self, node: yaml.Node) -> Any:
        try:
            return self._scalars.construct_object(node)
        except (yaml.YAMLError, ValueError, TypeError, KeyError, AttributeError) as error:
            message = f"{shown(node.value)} cannot be read as {shown(node.tag)}"
            raise PlanSyntaxError(message, _place(node.start_mark)) from error


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [child for pair in node.value for child in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _all_nodes(root: yaml.Node) -> Iterator[yaml.Node]:
    """Every distinct node once."""
    waiting, seen = [root], {id(root)}
    while waiting:
        node = waiting.pop()
        yield node
        for child in _children(node):
            if id(child) not in seen:
                seen.add(id(child))
                waiting.append(child)


def _key_text(node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise PlanSyntaxError("a key must be plain text", _place(node.start_mark))
    return str(node.value)


def _reason(error: yaml.MarkedYAMLError) -> str:
    return " ".join(shown(part) for part in (error.context, error.problem) if part)


def _place(mark: Any) -> Place:
    return Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)


def _place_at(text: str, error: yaml.reader.ReaderError) -> Place:
    before = text[: error.position]
    return Place(before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)
