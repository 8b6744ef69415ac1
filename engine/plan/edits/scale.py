"""Edits of a slice's scale: one factor for the tensors that write into the residual stream."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias

from engine.errors import PlanError
from engine.plan.edits import lists
from engine.plan.edits.edited import Edited, edited
from engine.plan.edits.entries import is_json, with_entry, without_entry
from engine.plan.edits.finding import IN_THE_TEXT, Step, name_of, value_behind, value_of
from engine.plan.edits.lines import Splice, spliced
from engine.plan.edits.owning import Draft, freed, owned
from engine.plan.edits.recipe_comments import with_true_comments
from engine.plan.edits.scale_settings import as_number, own_scales, scale_of, settings
from engine.plan.edits.tree import Kind, Node
from engine.plan.edits.values import Value, flow, number
from engine.plan.edits.writing import inline_text

Steps: TypeAlias = list[Step]

RESIDUAL_WRITERS = ("o_proj", "down_proj")
"""Filters for the Llama-like families; recipes.filters.writer_scales finds those of any other."""


def set_scale(text: str, index: int, factor: float | None, filters: Sequence[str] = RESIDUAL_WRITERS) -> Edited:
    """With that factor on what the slice's `filters` match, whatever scaled it before; other tensors keep theirs.
    None takes the slice's own entries for `filters` away. Raises PlanError."""
    found = _scaled(text, index, factor, filters)
    return replace(found, text=with_true_comments(text, found.text))


def _scaled(text: str, index: int, factor: float | None, filters: Sequence[str]) -> Edited:
    steps: Steps = ["slices", index, "sources", 0]
    if factor is None:
        return _without(Draft(text), steps, filters)
    if not math.isfinite(factor):
        raise PlanError(f"{factor} is not a factor", fix="Give a finite number.")
    draft = owned(Draft(text), *steps)
    source = draft.find(*steps)
    if value_of(source, "parameters") is None:
        return edited(draft, with_entry(source, "parameters", _parameters(source, filters, factor)))
    draft = owned(draft, *steps, "parameters")
    parameters = draft.find(*steps, "parameters")
    if scale_of(draft.find(*steps)) is None:
        return edited(draft, with_entry(parameters, "scale", _scale(parameters, filters, factor)))
    return _changed(draft, [*steps, "parameters", "scale"], filters, factor)


def _changed(draft: Draft, steps: Steps, filters: Sequence[str], factor: float) -> Edited:
    """With an existing scale changed: only its figures where that is enough."""
    draft = owned(draft, *steps)
    leading = settings(draft.find(*steps))[: len(filters)]
    is_enough = all(entry.value is not None and entry.value.kind is Kind.SCALAR for entry in leading)
    if is_enough and sorted(str(entry.filter) for entry in leading) == sorted(filters):
        return _with_figures(draft, steps, len(filters), factor)
    draft = _as_entries(draft, steps)
    old = [place + len(filters) for place in _places(draft.find(*steps), filters)]
    for wanted in reversed(filters):
        scale = draft.find(*steps)
        first = lists.inserted(scale, 0, _entry_like(scale.children[0], wanted, factor))
        draft = replace(draft, text=spliced(draft.text, [first]))
    draft = _without_places(draft, steps, old)
    return edited(draft, draft.text)


def _with_figures(draft: Draft, steps: Steps, count: int, factor: float) -> Edited:
    """With the factor in the first `count` entries."""
    for place in range(count):
        draft = owned(draft, *steps, place, "value")
    values = [draft.find(*steps, place, "value") for place in range(count)]
    changes = [Splice(value.body, value.end, number(factor)) for value in values if as_number(value) != factor]
    return edited(draft, spliced(draft.text, changes))


def _as_entries(draft: Draft, steps: Steps) -> Draft:
    """A factor or gradient becomes the only entry of a list, for every tensor."""
    scale, parameters = draft.find(*steps), draft.find(*steps[:-1])
    (first, *_) = settings(scale)
    if first.value != scale:
        return draft
    if first.factor is None and not first.is_gradient:
        why = "it is neither a factor nor a gradient nor a list of filters"
        raise PlanError(f"{name_of(steps)} cannot be edited", why=why, fix=IN_THE_TEXT)
    key = flow("value", as_json=is_json(parameters))
    entry = f"{{{key}: {inline_text(scale, list(scale.anchors_inside))}}}"
    listed = f"- {entry}" if scale.kind is Kind.SEQUENCE and _is_block(scale) else f"[{entry}]"
    return replace(draft, text=spliced(draft.text, [Splice(scale.start, scale.end, listed)]))


def _without(draft: Draft, steps: Steps, filters: Sequence[str]) -> Edited:
    """With the slice's own entries for `filters` taken away; with the whole setting when nothing else is in it."""
    name = name_of(steps[:2])
    scale = scale_of(draft.find(*steps).target)
    if scale is None:
        _check_unscaled(draft, steps)
        return edited(draft, draft.text)
    places = _places(scale, filters)
    if not places:
        why = f"the one on line {scale.target.line} names other tensors than {', '.join(filters)}"
        raise PlanError(f"{name} has no such scale", why=why, fix=IN_THE_TEXT)
    draft = owned(draft, *steps, "parameters", "scale")
    others = [entry for place, entry in enumerate(settings(scale)) if place not in places]
    if all(entry.is_default for entry in others):
        draft = _without_setting(draft, steps)
    else:
        draft = _without_places(draft, [*steps, "parameters", "scale"], places)
    return edited(draft, draft.text)


def _check_unscaled(draft: Draft, steps: Steps) -> None:
    """Raises PlanError when a scale from outside the source reaches it."""
    slice_ = draft.find(*steps[:2]).target
    outer = next(own_scales(slice_), None) or scale_of(draft.tree.root)
    if outer is not None:
        why = f"the one on line {outer.target.line} reaches it"
        raise PlanError(f"{name_of(steps[:2])} has no scale of its own", why=why, fix=IN_THE_TEXT)


def _without_setting(draft: Draft, steps: Steps) -> Draft:
    """Without `scale`, and without `parameters` when that is all there is in it."""
    holder_steps: Steps = [*steps, "parameters"]
    key = "scale"
    if len(draft.find(*holder_steps).pairs) == 1:
        holder_steps, key = steps, "parameters"
    behind = value_behind(draft.find(*holder_steps), key)
    if behind is not None:
        why = f"without it, `{key}` would come from line {behind.line}"
        raise PlanError(f"the scale of {name_of(steps[:2])} cannot be taken away", why=why, fix=IN_THE_TEXT)
    draft = freed(draft, *holder_steps, key)
    return replace(draft, text=without_entry(draft.find(*holder_steps), key))


def _without_places(draft: Draft, steps: Steps, places: Sequence[int]) -> Draft:
    for place in reversed(places):
        draft = freed(draft, *steps, place)
        draft = replace(draft, text=spliced(draft.text, [lists.removed(draft.find(*steps), place)]))
    return draft


def _places(scale: Node, filters: Sequence[str]) -> list[int]:
    return [place for place, entry in enumerate(settings(scale)) if entry.filter in filters]


def _parameters(source: Node, filters: Sequence[str], factor: float) -> str:
    """The value of a new `parameters`."""
    if _is_block(source):
        return "\n  scale:" + _lines(filters, factor, indent=4)
    return flow({"scale": _entries(filters, factor)}, as_json=is_json(source))


def _scale(parameters: Node, filters: Sequence[str], factor: float) -> str:
    """The value of a new `scale`."""
    if _is_block(parameters):
        return _lines(filters, factor, indent=2)
    return flow(_entries(filters, factor), as_json=is_json(parameters))


def _lines(filters: Sequence[str], factor: float, *, indent: int) -> str:
    return "".join(f"\n{' ' * indent}- {flow(entry)}" for entry in _entries(filters, factor))


def _entries(filters: Sequence[str], factor: float) -> list[dict[str, Value]]:
    return [{"filter": wanted, "value": factor} for wanted in filters]


def _entry_like(neighbour: Node, wanted: str, factor: float) -> str:
    """The text of a new entry for the list in which `neighbour` stands."""
    text = flow({"filter": wanted, "value": factor}, as_json=is_json(neighbour.target))
    return text if neighbour.is_inside_brackets else f"- {text}"


def _is_block(node: Node) -> bool:
    return not (node.has_brackets or node.is_inside_brackets)
