"""Edits of a slice's scale: one factor for the tensors that write into the residual stream."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias

from engine.errors import PlanError
from engine.plan.edits import lists
from engine.plan.edits.anchors import Draft, freed, owned
from engine.plan.edits.edited import Edited, edited, with_true_comments
from engine.plan.edits.tree import EDIT_THE_TEXT, Node, Step, hidden_value_of, name_of, root_of, value_of
from engine.plan.edits.values import Value, flow, inline_text, is_json, number, with_entry, without_entry
from engine.plan.edits.views import as_number, own_scales, scale_of, settings
from engine.plan.syntax.lines import Splice, spliced
from engine.plan.syntax.tree import Kind

Steps: TypeAlias = list[Step]

RESIDUAL_WRITERS = ("o_proj", "down_proj")
"""Filters for Llama-like families; recipes.blocks.writer_scales returns those of other families."""


def set_scale(text: str, index: int, factor: float | None, filters: Sequence[str] = RESIDUAL_WRITERS) -> Edited:
    """Set the factor of the tensors that `filters` match in a slice; other tensors keep their scale.

    None removes the slice's own entries for `filters`. Raises PlanError.
    """
    result = _scaled(text, index, factor, filters)
    return replace(result, text=with_true_comments(text, result.text))


def _scaled(text: str, index: int, factor: float | None, filters: Sequence[str]) -> Edited:
    steps: Steps = ["slices", index, "sources", 0]
    if factor is None:
        return _without(Draft(text), steps, filters)
    if not math.isfinite(factor):
        raise PlanError(f"{factor} is not a valid factor", fix="Use a finite number.")
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
    """Change an existing scale: only its numbers if that is enough."""
    draft = owned(draft, *steps)
    leading = settings(draft.find(*steps))[: len(filters)]
    is_enough = all(entry.value is not None and entry.value.kind is Kind.SCALAR for entry in leading)
    if is_enough and sorted(str(entry.filter) for entry in leading) == sorted(filters):
        return _with_numbers(draft, steps, len(filters), factor)
    draft = _as_entries(draft, steps)
    old = [index + len(filters) for index in _indices(draft.find(*steps), filters)]
    for pattern in reversed(filters):
        scale = draft.find(*steps)
        first = lists.inserted(scale, 0, _entry_like(scale.children[0], pattern, factor))
        draft = replace(draft, text=spliced(draft.text, [first]))
    draft = _without_indices(draft, steps, old)
    return edited(draft, draft.text)


def _with_numbers(draft: Draft, steps: Steps, count: int, factor: float) -> Edited:
    """Set the factor of the first `count` entries."""
    for index in range(count):
        draft = owned(draft, *steps, index, "value")
    values = [draft.find(*steps, index, "value") for index in range(count)]
    changes = [Splice(value.body, value.end, number(factor)) for value in values if as_number(value) != factor]
    return edited(draft, spliced(draft.text, changes))


def _as_entries(draft: Draft, steps: Steps) -> Draft:
    """Turn a factor or gradient into the only entry of a list, for every tensor."""
    scale, parameters = draft.find(*steps), draft.find(*steps[:-1])
    (first, *_) = settings(scale)
    if first.value != scale:
        return draft
    if first.factor is None and not first.is_gradient:
        why = "it is not a factor, a gradient or a list of filters"
        raise PlanError(f"{name_of(steps)} cannot be edited", why=why, fix=EDIT_THE_TEXT)
    key = flow("value", as_json=is_json(parameters))
    entry = f"{{{key}: {inline_text(scale, list(scale.anchors_inside))}}}"
    listed = f"- {entry}" if scale.kind is Kind.SEQUENCE and _is_block(scale) else f"[{entry}]"
    return replace(draft, text=spliced(draft.text, [Splice(scale.start, scale.end, listed)]))


def _without(draft: Draft, steps: Steps, filters: Sequence[str]) -> Edited:
    """Remove the slice's own entries for `filters`; remove the whole setting if nothing else is left."""
    name = name_of(steps[:2])
    scale = scale_of(draft.find(*steps).target)
    if scale is None:
        _check_unscaled(draft, steps)
        return edited(draft, draft.text)
    indices = _indices(scale, filters)
    if not indices:
        why = f"its scale on line {scale.target.line} does not name {' or '.join(filters)}"
        raise PlanError(f"{name} has no such scale", why=why, fix=EDIT_THE_TEXT)
    draft = owned(draft, *steps, "parameters", "scale")
    others = [entry for index, entry in enumerate(settings(scale)) if index not in indices]
    if all(entry.is_default for entry in others):
        draft = _without_setting(draft, steps)
    else:
        draft = _without_indices(draft, [*steps, "parameters", "scale"], indices)
    return edited(draft, draft.text)


def _check_unscaled(draft: Draft, steps: Steps) -> None:
    """Raise PlanError if a scale from outside the source applies to it."""
    slice_ = draft.find(*steps[:2]).target
    outer = next(own_scales(slice_), None) or scale_of(root_of(draft.tree))
    if outer is not None:
        why = f"the scale on line {outer.target.line} applies to it"
        raise PlanError(f"{name_of(steps[:2])} has no scale of its own", why=why, fix=EDIT_THE_TEXT)


def _without_setting(draft: Draft, steps: Steps) -> Draft:
    """Remove `scale`, and `parameters` if it contains nothing else."""
    holder_steps: Steps = [*steps, "parameters"]
    key = "scale"
    if len(draft.find(*holder_steps).pairs) == 1:
        holder_steps, key = steps, "parameters"
    hidden = hidden_value_of(draft.find(*holder_steps), key)
    if hidden is not None:
        why = f"without it, `{key}` would come from line {hidden.line}"
        raise PlanError(f"the scale of {name_of(steps[:2])} cannot be removed", why=why, fix=EDIT_THE_TEXT)
    draft = freed(draft, *holder_steps, key)
    return replace(draft, text=without_entry(draft.find(*holder_steps), key))


def _without_indices(draft: Draft, steps: Steps, indices: Sequence[int]) -> Draft:
    for index in reversed(indices):
        draft = freed(draft, *steps, index)
        draft = replace(draft, text=spliced(draft.text, [lists.removed(draft.find(*steps), index)]))
    return draft


def _indices(scale: Node, filters: Sequence[str]) -> list[int]:
    return [index for index, entry in enumerate(settings(scale)) if entry.filter in filters]


def _parameters(source: Node, filters: Sequence[str], factor: float) -> str:
    """Return the value of a new `parameters`."""
    if _is_block(source):
        return "\n  scale:" + _lines(filters, factor, indent=4)
    return flow({"scale": _entries(filters, factor)}, as_json=is_json(source))


def _scale(parameters: Node, filters: Sequence[str], factor: float) -> str:
    """Return the value of a new `scale`."""
    if _is_block(parameters):
        return _lines(filters, factor, indent=2)
    return flow(_entries(filters, factor), as_json=is_json(parameters))


def _lines(filters: Sequence[str], factor: float, *, indent: int) -> str:
    return "".join(f"\n{' ' * indent}- {flow(entry)}" for entry in _entries(filters, factor))


def _entries(filters: Sequence[str], factor: float) -> list[dict[str, Value]]:
    return [{"filter": pattern, "value": factor} for pattern in filters]


def _entry_like(neighbour: Node, pattern: str, factor: float) -> str:
    """Return the text of a new entry for the list that contains `neighbour`."""
    text = flow({"filter": pattern, "value": factor}, as_json=is_json(neighbour.target))
    return text if neighbour.is_inside_brackets else f"- {text}"


def _is_block(node: Node) -> bool:
    return not (node.has_brackets or node.is_inside_brackets)
