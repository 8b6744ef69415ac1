"""The first slice of a plan that has none yet."""

from engine.plan.edits.entries import is_json
from engine.plan.edits.finding import find, has_no_slices, open_tree
from engine.plan.edits.lines import Splice, spliced
from engine.plan.edits.new_slices import block_slice, flow_slice
from engine.plan.edits.tree import Tree

HEAD = "merge_method: passthrough\nslices:"
COLUMN = 2
"""Of a slice's dash, as the recipes write it."""


def with_first_slice(text: str, model: str, start: int, end: int) -> str | None:
    """The text with its only slice; None when the plan has slices already. Raises PlanError."""
    tree = open_tree(text)
    if not has_no_slices(tree):
        return None
    lines = f"{' ' * COLUMN}{block_slice(model, start, end, column=COLUMN)}"
    if tree.root is None:
        return _with_end_of_line(tree) + _like(tree, f"{HEAD}\n{lines}\n")
    slices = find(tree, ["slices"])
    if slices.is_inside_brackets:
        written = f"[{flow_slice(model, start, end, as_json=is_json(tree.root))}]"
        return spliced(text, [Splice(slices.body, slices.end, written)])
    line_end = tree.lines.end_after(slices.end)
    return spliced(text, [Splice(slices.body, slices.end, ""), Splice(line_end, line_end, _like(tree, f"\n{lines}"))])


def _with_end_of_line(tree: Tree) -> str:
    has_one = not tree.text or tree.lines.content(len(tree.lines) - 1) == ""
    return tree.text if has_one else tree.text + tree.lines.line_break(0)


def _like(tree: Tree, text: str) -> str:
    """With the text's own line breaks."""
    return text.replace("\n", tree.lines.line_break(0))
