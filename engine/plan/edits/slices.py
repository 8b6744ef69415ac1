"""Edits of the list of slices. Slices are counted from 0 here and from 1 in messages."""

from collections.abc import Sequence
from dataclasses import replace

from engine.errors import PlanError
from engine.plan.edits import lists
from engine.plan.edits.anchors import Draft, freed, in_order, owned
from engine.plan.edits.edited import Edited, edited
from engine.plan.edits.tree import (
    EDIT_THE_TEXT,
    Node,
    find,
    has_no_slices,
    name_of,
    open_tree,
    own_value,
    root_of,
    slice_list,
)
from engine.plan.edits.values import Value, flow, is_json, quoted
from engine.plan.edits.views import gradient_line, whole_number
from engine.plan.syntax.lines import Splice, spliced
from engine.plan.syntax.tree import Kind, Tree

MAX_SLICES = 5_000
"""Maximum length of a list that can still be shown."""
HEAD = "merge_method: passthrough\nslices:"
DASH_COLUMN = 2
"""Column of a slice's dash, as the recipes write it."""
SOURCE_OFFSET = 4
"""Columns from a slice's dash to the dash of its source, as the recipes write them."""


def add_slice(text: str, after: int | None, model: str, start: int, end: int) -> Edited:
    """Add layers [start, end) of `model` after slice `after`; None: before all others. Raises PlanError."""
    _require_range(start, end)
    if not model.strip():
        raise PlanError("a slice needs a model", why="the name is empty")
    if (started := _with_first_slice(text, model, start, end)) is not None:
        return edited(Draft(text), started)
    draft = owned(Draft(text), "slices")
    index = 0 if after is None else _existing(draft, after) + 1
    slices = slice_list(draft.tree)
    neighbour = slices.children[max(0, index - 1)]
    return edited(draft, spliced(draft.text, [lists.inserted(slices, index, _like(neighbour, model, start, end))]))


def duplicate_slice(text: str, index: int) -> Edited:
    """Add a copy after the slice. Raises PlanError."""
    return repeat_slice(text, index, 1)


def repeat_slice(text: str, index: int, times: int) -> Edited:
    """Add `times` copies after the slice. Raises PlanError."""
    draft = owned(Draft(text), "slices")
    index = _existing(draft, index)
    slices = slice_list(draft.tree)
    total = len(slices.children) + times
    if times < 1:
        raise PlanError(f"{name_of(['slices', index])} cannot be repeated {times} times", fix="Repeat it once or more.")
    if total > MAX_SLICES:
        raise PlanError(f"the plan would have {total:,} slices", why=f"the maximum is {MAX_SLICES:,}")
    copy = lists.inserted(slices, index + 1, lists.copied(slices, index, []))
    return edited(draft, spliced(draft.text, [Splice(copy.start, copy.end, copy.text * times)]))


def delete_slice(text: str, index: int) -> Edited:
    """Delete the slice. Raises PlanError, also for the only slice."""
    draft = owned(Draft(text), "slices")
    index = _existing(draft, index)
    if len(slice_list(draft.tree).children) == 1:
        what = "the only slice cannot be deleted"
        raise PlanError(what, why="a plan needs at least one", fix="Add another slice first.")
    draft = freed(draft, "slices", index)
    return edited(draft, spliced(draft.text, [lists.removed(slice_list(draft.tree), index)]))


def move_slice(text: str, index: int, by: int) -> Edited:
    """Move the slice down by `by` positions, up if negative. Raises PlanError."""
    draft = owned(Draft(text), "slices")
    index = _existing(draft, index)
    slices = slice_list(draft.tree)
    if not 0 <= index + by < len(slices.children):
        why = f"it is number {index + 1} of {len(slices.children)}"
        raise PlanError(f"{name_of(['slices', index])} cannot be moved by {by:+}", why=why)
    moved = spliced(draft.text, lists.moved(slices, index, index + by))
    text = in_order(moved) if slices.anchors_inside else moved
    note = "shared values moved to their new first use"
    return edited(draft if text == moved else replace(draft, notes=(*draft.notes, note)), text)


def set_range(text: str, index: int, start: int, end: int) -> Edited:
    """Set the layers of the slice to [start, end). Raises PlanError."""
    _require_range(start, end)
    draft = _with_own_range(Draft(text), index)
    bounds = _bounds(draft, index)
    return edited(draft, spliced(draft.text, _changes(bounds, (start, end))))


def split_slice(text: str, index: int, at: int) -> Edited:
    """Split the slice in two; the second begins at layer `at`. Raises PlanError."""
    draft = _with_own_range(Draft(text), index)
    slices, bounds = slice_list(draft.tree), _bounds(draft, index)
    start, end = (_layer(bound, index) for bound in bounds)
    _require_split(slices.children[index], index, start, end, at)
    second = lists.copied(slices, index, _changes(bounds, (at, end)))
    splices = [*_changes(bounds, (start, at)), lists.inserted(slices, index + 1, second)]
    return edited(draft, spliced(draft.text, splices))


def _existing(draft: Draft, index: int) -> int:
    """Return `index`. Raises PlanError if there is no such slice."""
    draft.find("slices", index)
    return index


def _require_range(start: int, end: int) -> None:
    if start < 0:
        raise PlanError(f"a slice cannot begin at layer {start}", why="layers are counted from 0")
    if end < start:
        fix = f"Did you mean [{end}, {start}]?"
        raise PlanError(f"[{start}, {end}] is reversed", why="the end of a slice comes after its start", fix=fix)


def _with_own_range(draft: Draft, index: int) -> Draft:
    """Return the draft in which the bounds of the slice are shared with nothing."""
    for bound in (0, 1):
        draft = owned(draft, "slices", index, "sources", 0, "layer_range", bound)
    return draft


def _bounds(draft: Draft, index: int) -> Sequence[Node]:
    bounds = draft.find("slices", index, "sources", 0, "layer_range").children
    if len(bounds) == 2:
        return bounds
    why = f"it has {len(bounds)} items, not a start and an end"
    raise PlanError(f"{name_of(['slices', index, 'layer_range'])} cannot be edited", why=why, fix=EDIT_THE_TEXT)


def _layer(bound: Node, index: int) -> int:
    layer = whole_number(bound)
    if layer is None:
        what = name_of(["slices", index, "layer_range"])
        raise PlanError(f"{what} cannot be edited", why="it is not two whole numbers", fix=EDIT_THE_TEXT)
    return layer


def _changes(bounds: Sequence[Node], layers: tuple[int, int]) -> list[Splice]:
    """Return the splices for the bounds that change; quotes are kept."""
    changes = []
    for bound, layer in zip(bounds, layers, strict=True):
        quote = bound.sign if bound.sign in ("'", '"') else ""
        if whole_number(bound) != layer:
            changes.append(Splice(bound.body, bound.end, f"{quote}{layer}{quote}"))
    return changes


def _require_split(slice_: Node, index: int, start: int, end: int, at: int) -> None:
    name = name_of(["slices", index])
    if not start < at < end:
        why = f"its layers are {start} to {end - 1}" if start < end else "it has no layers"
        raise PlanError(f"{name} cannot be split before layer {at}", why=why)
    line = gradient_line(slice_)
    if line is not None:
        why = f"the gradient on line {line} spans all its layers, and each half would get the whole gradient"
        raise PlanError(f"{name} cannot be split", why=why, fix=EDIT_THE_TEXT)


# The text of a new slice


def _with_first_slice(text: str, model: str, start: int, end: int) -> str | None:
    """Return the text with its only slice; None if the plan already has slices. Raises PlanError."""
    tree = open_tree(text)
    if not has_no_slices(tree):
        return None
    lines = f"{' ' * DASH_COLUMN}{_block_slice(model, start, end, column=DASH_COLUMN)}"
    root = root_of(tree)
    if root is None:
        return _with_final_line_break(tree) + _with_line_breaks_of(tree, f"{HEAD}\n{lines}\n")
    slices = find(tree, ["slices"])
    if slices.is_inside_brackets:
        written = f"[{_flow_slice(model, start, end, as_json=is_json(root))}]"
        return spliced(text, [Splice(slices.body, slices.end, written)])
    line_end = tree.lines.end_after(slices.end)
    new_lines = Splice(line_end, line_end, _with_line_breaks_of(tree, f"\n{lines}"))
    return spliced(text, [Splice(slices.body, slices.end, ""), new_lines])


def _with_final_line_break(tree: Tree) -> str:
    is_complete = not tree.text or tree.lines.content(len(tree.lines) - 1) == ""
    return tree.text if is_complete else tree.text + tree.lines.line_break(0)


def _with_line_breaks_of(tree: Tree, text: str) -> str:
    return text.replace("\n", tree.lines.line_break(0))


def _like(neighbour: Node, model: str, start: int, end: int) -> str:
    """Return the text of a new slice in the style of `neighbour`."""
    written = neighbour.target
    if neighbour.is_inside_brackets:
        return _flow_slice(model, start, end, as_json=is_json(written))
    if written.has_brackets:
        return f"- {_flow_slice(model, start, end, as_json=is_json(written))}"
    lines = neighbour.tree.lines
    column = lines.column(neighbour.parent.body) if neighbour.parent is not None else 0
    offset = SOURCE_OFFSET if neighbour.kind is Kind.ALIAS else _source_offset(neighbour, column)
    text = _block_slice(model, start, end, column=column, offset=offset)
    return text.replace("\n", lines.line_break(lines.at(neighbour.start)))


def _flow_slice(model: str, start: int, end: int, *, as_json: bool) -> str:
    source: Value = {"model": model, "layer_range": [start, end]}
    return flow({"sources": [source]}, as_json=as_json)


def _block_slice(model: str, start: int, end: int, *, column: int, offset: int = SOURCE_OFFSET) -> str:
    """Return a slice that begins with its dash, for a dash at `column`."""
    indent = " " * (column + offset)
    return f"- sources:\n{indent}- model: {quoted(model)}\n{indent}  layer_range: {flow([start, end])}"


def _source_offset(slice_: Node, column: int) -> int:
    """Return the columns from the dash of a slice to the dash of its source."""
    sources = own_value(slice_, "sources") if slice_.kind is Kind.MAPPING else None
    if sources is None or sources.kind is not Kind.SEQUENCE or sources.has_brackets:
        return SOURCE_OFFSET
    return max(2, slice_.tree.lines.column(sources.body) - column)
