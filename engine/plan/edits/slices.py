"""Edits of the list of slices. Slices are counted from 0 here, and from 1 in messages."""

from collections.abc import Sequence
from dataclasses import replace

from engine.errors import PlanError
from engine.plan.edits import lists
from engine.plan.edits.anchors import settled
from engine.plan.edits.edited import Edited, edited
from engine.plan.edits.finding import IN_THE_TEXT, name_of, slice_list
from engine.plan.edits.first_slice import with_first_slice
from engine.plan.edits.lines import Splice, spliced
from engine.plan.edits.new_slices import check_range, like
from engine.plan.edits.owning import Draft, freed, owned
from engine.plan.edits.scale_settings import gradient_line, whole_number
from engine.plan.edits.tree import Node

MOST_SLICES = 5_000
"""A list that can still be shown; no model has as many layers."""


def add_slice(text: str, after: int | None, model: str, start: int, end: int) -> Edited:
    """With layers [start, end) of `model` behind the slice `after`, None: before all others. Raises PlanError."""
    check_range(start, end)
    if not model.strip():
        raise PlanError("a slice needs a model", why="no name was given")
    if (begun := with_first_slice(text, model, start, end)) is not None:
        return edited(Draft(text), begun)
    draft = owned(Draft(text), "slices")
    place = 0 if after is None else _place(draft, after) + 1
    slices = slice_list(draft.tree)
    neighbour = slices.children[max(0, place - 1)]
    return edited(draft, spliced(draft.text, [lists.inserted(slices, place, like(neighbour, model, start, end))]))


def duplicate_slice(text: str, index: int) -> Edited:
    """With a copy behind the slice. Raises PlanError."""
    return repeat_slice(text, index, 1)


def repeat_slice(text: str, index: int, times: int) -> Edited:
    """With `times` more copies behind the slice. Raises PlanError."""
    draft = owned(Draft(text), "slices")
    place = _place(draft, index)
    slices = slice_list(draft.tree)
    total = len(slices.children) + times
    if times < 1:
        raise PlanError(f"{name_of(['slices', index])} cannot be repeated {times} times", fix="Repeat it once or more.")
    if total > MOST_SLICES:
        raise PlanError(f"the plan would have {total:,} slices", why=f"at most {MOST_SLICES:,} can be listed")
    copy = lists.inserted(slices, place + 1, lists.copied(slices, place, []))
    return edited(draft, spliced(draft.text, [Splice(copy.start, copy.end, copy.text * times)]))


def delete_slice(text: str, index: int) -> Edited:
    """Without the slice. Raises PlanError, for the last slice that is left too."""
    draft = owned(Draft(text), "slices")
    place = _place(draft, index)
    if len(slice_list(draft.tree).children) == 1:
        raise PlanError("the only slice cannot be deleted", why="a plan needs at least one", fix="Add another first.")
    draft = freed(draft, "slices", place)
    return edited(draft, spliced(draft.text, [lists.removed(slice_list(draft.tree), place)]))


def move_slice(text: str, index: int, by: int) -> Edited:
    """With the slice `by` places further down, or up when negative. Raises PlanError."""
    draft = owned(Draft(text), "slices")
    place = _place(draft, index)
    slices = slice_list(draft.tree)
    if not 0 <= place + by < len(slices.children):
        why = f"it is number {index + 1} of {len(slices.children)}"
        raise PlanError(f"{name_of(['slices', index])} cannot be moved by {by:+}", why=why)
    moved = spliced(draft.text, lists.moved(slices, place, place + by))
    text = settled(moved) if slices.anchors_inside else moved
    note = "what slices share now stands at its new first use"
    return edited(draft if text == moved else replace(draft, notes=(*draft.notes, note)), text)


def set_range(text: str, index: int, start: int, end: int) -> Edited:
    """With layers [start, end) in the slice. Raises PlanError."""
    check_range(start, end)
    draft = _with_own_range(Draft(text), index)
    bounds = _bounds(draft, index)
    return edited(draft, spliced(draft.text, _changes(bounds, (start, end))))


def split_slice(text: str, index: int, at: int) -> Edited:
    """With the slice as two, of which the second begins at layer `at`. Raises PlanError."""
    draft = _with_own_range(Draft(text), index)
    slices, bounds = slice_list(draft.tree), _bounds(draft, index)
    start, end = (_layer(bound, index) for bound in bounds)
    _check_split(slices.children[index], index, start, end, at)
    second = lists.copied(slices, index, _changes(bounds, (at, end)))
    splices = [*_changes(bounds, (start, at)), lists.inserted(slices, index + 1, second)]
    return edited(draft, spliced(draft.text, splices))


def _place(draft: Draft, index: int) -> int:
    """`index`, of a slice that there is. Raises PlanError."""
    draft.find("slices", index)
    return index


def _with_own_range(draft: Draft, index: int) -> Draft:
    """The draft in which the slice's bounds are its own numbers."""
    for bound in (0, 1):
        draft = owned(draft, "slices", index, "sources", 0, "layer_range", bound)
    return draft


def _bounds(draft: Draft, index: int) -> Sequence[Node]:
    bounds = draft.find("slices", index, "sources", 0, "layer_range").children
    if len(bounds) == 2:
        return bounds
    why = f"it has {len(bounds)} items, not a start and an end"
    raise PlanError(f"{name_of(['slices', index, 'layer_range'])} cannot be edited", why=why, fix=IN_THE_TEXT)


def _layer(bound: Node, index: int) -> int:
    layer = whole_number(bound)
    if layer is None:
        what = name_of(["slices", index, "layer_range"])
        raise PlanError(f"{what} cannot be edited", why="it is not two whole numbers", fix=IN_THE_TEXT)
    return layer


def _changes(bounds: Sequence[Node], wanted: tuple[int, int]) -> list[Splice]:
    """Bounds written anew where they are not yet what is wanted, in the quotes they have."""
    changes = []
    for bound, layer in zip(bounds, wanted, strict=True):
        quote = bound.sign if bound.sign in ("'", '"') else ""
        if whole_number(bound) != layer:
            changes.append(Splice(bound.body, bound.end, f"{quote}{layer}{quote}"))
    return changes


def _check_split(slice_: Node, index: int, start: int, end: int, at: int) -> None:
    name = name_of(["slices", index])
    if not start < at < end:
        why = f"its layers are {start} to {end - 1}" if start < end else "it has no layers"
        raise PlanError(f"{name} cannot be split before layer {at}", why=why)
    line = gradient_line(slice_)
    if line is not None:
        why = f"the scale on line {line} runs over all its layers, and each half would get the whole of it"
        raise PlanError(f"{name} cannot be split", why=why, fix=IN_THE_TEXT)
