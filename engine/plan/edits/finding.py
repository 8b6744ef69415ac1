"""Finds the parts of a plan in its tree, through aliases and merge keys, and says what is in the way."""

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from engine.errors import PlanError, shown
from engine.plan.edits.reading import read_tree
from engine.plan.edits.tree import Kind, Node, Tree
from engine.plan.syntax.nodes import PlanSyntaxError

Step: TypeAlias = "str | int"
"""A key of a mapping, or the number of an item, from 0."""

_NULLS = ("", "~", "null", "Null", "NULL")
_MERGE = "<<"
"""The key that takes over what other mappings have."""
IN_THE_TEXT = "Change it in the text."


def open_tree(text: str) -> Tree:
    """The tree of a text whose aliases all refer to something. Raises PlanError."""
    try:
        tree = read_tree(text)
    except PlanSyntaxError as problem:
        raise _unreadable(problem.place.line, problem.message) from problem
    for name, uses in tree.aliases.items():
        line = Node(tree, uses[0]).line
        if name not in tree.anchors or tree.anchors[name] > uses[0]:
            raise _unreadable(line, f"`*{shown(name)}` refers to nothing above it")
        if any(tree.anchored(name).holds(use) for use in uses):
            raise _unreadable(line, f"`&{shown(name)}` contains itself")
    return tree


def slice_list(tree: Tree) -> Node:
    """The list of slices. Raises PlanError."""
    listed = find(tree, ["slices"]).target
    if listed.kind is not Kind.SEQUENCE:
        raise _not_a_list("`slices`", listed)
    return listed


def has_no_slices(tree: Tree) -> bool:
    """Whether the plan awaits its first slice: an empty text, or an empty list for the slices."""
    if tree.root is None:
        return True
    slices = value_of(tree.root, "slices")
    return slices is not None and is_nothing(slices.target)


def is_nothing(node: Node) -> bool:
    """An empty list, or null."""
    is_plain = node.sign not in ("'", '"', "|", ">")
    return not node.children and (node.kind is not Kind.SCALAR or (is_plain and node.value in _NULLS))


def find(tree: Tree, steps: Sequence[Step]) -> Node:
    """What stands at those steps from the root: an alias is not followed at the last one. Raises PlanError."""
    return way(tree, steps)[-1]


def way(tree: Tree, steps: Sequence[Step]) -> list[Node]:
    """What stands at each step from the root, as written there: perhaps an alias. Raises PlanError."""
    if tree.root is None:
        raise PlanError("the plan is empty", fix="Start with a recipe.")
    nodes = [tree.root]
    for taken, step in enumerate(steps):
        inside, name = nodes[-1].target, name_of(steps[:taken])
        nodes.append(_item(inside, step, name) if isinstance(step, int) else _entry(inside, step, name))
    return nodes[1:]


def value_of(mapping: Node | None, key: str) -> Node | None:
    """What a mapping says for a key: the last of equal keys, else what it merges. None for what is no mapping."""
    return next(_values(mapping, key), None)


def value_behind(mapping: Node, key: str) -> Node | None:
    """What a mapping would say for a key without its own entry for it."""
    behind = _values(mapping, key)
    next(behind, None)
    return next(behind, None)


def own_value(mapping: Node, key: str) -> Node | None:
    """What stands for a key in the mapping itself; the last of equal keys counts."""
    return next(_own_values(mapping, key), None)


def name_of(steps: Sequence[Step]) -> str:
    """What stands there, for a message. Slices are counted from 1, as lines are."""
    keys = [step for step in steps[2:] if isinstance(step, str)]
    if len(steps) < 2:
        return f"`{steps[0]}`" if steps else "the plan"
    return f"`{keys[-1]}` of slice {int(steps[1]) + 1}" if keys else f"slice {int(steps[1]) + 1}"


def _values(mapping: Node | None, key: str) -> Iterator[Node]:
    """The value that counts, then those it hides."""
    if mapping is not None and mapping.kind is Kind.MAPPING:
        yield from _own_values(mapping, key)
        yield from _merged_values(mapping, key)


def _own_values(mapping: Node, key: str) -> Iterator[Node]:
    tree, numbers = mapping.tree, mapping.child_numbers
    for number, value in zip(reversed(numbers[::2]), reversed(numbers[1::2]), strict=True):
        written = tree.values[number] if tree.kinds[number] is Kind.SCALAR else Node(tree, number).target.value
        if written == key:
            yield Node(tree, value)


def _merged_values(mapping: Node, key: str) -> Iterator[Node]:
    """As YAML merges: a later `<<` wins, and of `<<: [*a, *b]` the earlier mapping."""
    for merge in _own_values(mapping, _MERGE):
        listed = merge.target
        for source in listed.children if listed.kind is Kind.SEQUENCE else (listed,):
            yield from _values(source.target, key)


def _entry(inside: Node, key: str, name: str) -> Node:
    if inside.kind is not Kind.MAPPING:
        raise PlanError(f"{name} cannot be edited", why=f"it is {inside.kind.value}, not a mapping", fix=IN_THE_TEXT)
    value = value_of(inside, key)
    if value is not None:
        return value
    if key == "slices" and value_of(inside, "models") is not None:
        raise PlanError("the plan has no slices to edit", why="it lists `models`", fix="Write the models as `slices`.")
    raise PlanError(f"{name} cannot be edited", why=f"it has no `{key}`", fix=IN_THE_TEXT)


def _item(inside: Node, index: int, name: str) -> Node:
    items = inside.children
    if inside.kind is not Kind.SEQUENCE and not is_nothing(inside):
        raise _not_a_list(name, inside)
    if name.startswith("`sources`") and len(items) != 1:
        why = f"it has {len(items)} sources, and a passthrough slice has exactly one"
        raise PlanError(f"{name} cannot be edited", why=why, fix="Give each source a slice of its own, in the text.")
    if 0 <= index < len(items):
        return items[index]
    if name == "`slices`":
        raise PlanError(f"there is no slice {index + 1}", why=f"the plan has {len(items)}")
    raise PlanError(f"{name} cannot be edited", why=f"it has {len(items)} items", fix=IN_THE_TEXT)


def _not_a_list(name: str, node: Node) -> PlanError:
    return PlanError(f"{name} cannot be edited", why=f"it is {node.kind.value}, not a list", fix=IN_THE_TEXT)


def _unreadable(line: int, why: str) -> PlanError:
    return PlanError("the plan cannot be edited as slices", why=f"line {line}: {why}", fix="Mend the text first.")
