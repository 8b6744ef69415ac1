"""What the parser's tree knows of places is what libyaml says of them."""

import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.plan.syntax.events import LOADER, PlanSyntaxError
from engine.plan.syntax.tree import ALIAS, SCALAR, check_tree, read_trees

pieces = st.sampled_from(
    ["a: ", "- ", "x", "é層", '"q\\n"', "[1, {b: 2}]", "|\n  ", "&k ", "*k", "# c", "\n", "\r\n", "\r", "\x85",
     "\u2028", "\u2029", "  ", "---\n", "\ufeff", "\t", "'", "? ", "!!str "]
)  # fmt: skip


def marks_of(text):
    """Where each node begins and where each one ends, in text order: lists of two of libyaml's marks."""
    found, inside = [], []
    for event in yaml.parse(text, Loader=LOADER):
        if isinstance(event, yaml.CollectionEndEvent):
            found[inside.pop()][1] = event.end_mark
        elif isinstance(event, yaml.NodeEvent):
            found.append([event.start_mark, event.end_mark])
            if isinstance(event, yaml.CollectionStartEvent):
                inside.append(len(found) - 1)
    return found


@given(st.lists(pieces, max_size=20).map("".join))
def test_every_node_stands_where_libyaml_says(text):
    try:
        trees = read_trees(text)
        for tree in trees:
            check_tree(tree)
    except PlanSyntaxError:
        return
    marks = marks_of(text)
    assume(len(marks) == sum(len(tree.kinds) for tree in trees))  # empty documents are left out
    nodes = [(tree, node) for tree in trees for node in range(len(tree.kinds))]
    for (tree, node), (start, end) in zip(nodes, marks, strict=True):
        assert_at(tree.position(node), start, text)
        if is_marked_to_its_end(tree, node):
            assert_at(tree.end(node), end, text)


def is_marked_to_its_end(tree, node):
    """False for block style, where libyaml marks the next token."""
    first = text_of(tree, node)[:1]
    return (
        tree.kinds[node] is ALIAS
        or first in ("[", "{", '"', "'")
        or (tree.kinds[node] is SCALAR and first not in "|>&!")
    )


def text_of(tree, node):
    return tree.text[tree.starts[node] : tree.ends[node]]


def assert_at(position, mark, text):
    if mark.index < len(text.removeprefix("\ufeff")):  # at the end libyaml is on a line that is not there
        assert (position.line, position.column) == (mark.line + 1, mark.column + 1)
