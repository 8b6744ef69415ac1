"""Write a plan as YAML that `parse` reads as the same plan, and mergekit as the same merge."""

import math
from collections.abc import Iterator
from typing import Any

import yaml

from engine.plan.model import Plan, ScaleEntry, ScaleLevel, Slice, Span
from engine.plan.problems import Change, replaced
from engine.plan.syntax.document import DTYPES
from engine.plan.syntax.nodes import Mapping

_NAMES = {dtype: name for name, dtype in DTYPES.items()}


class _Dumper(yaml.SafeDumper):
    """Dumper that escapes line breaks and control characters, which other quotes would fold or forbid."""


_Dumper.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, None if text.isprintable() else '"'),
)


def written(plan: Plan) -> str:
    """Return the plan's text, with its earlier documents before it."""
    documents = [dict(_entries(each)) for each in (*plan.earlier, plan)]
    style: dict[str, Any] = {"default_flow_style": None, "sort_keys": False, "allow_unicode": True, "width": math.inf}
    return str(yaml.dump_all(documents, Dumper=_Dumper, **style))


def as_passthrough(root: Mapping, plan: Plan) -> Change | None:
    """Return the change that writes a text's only document as passthrough. Not safe, because comments are lost."""
    span = Span(root.place, root.tree.end(root.number))
    return replaced(span, written(plan).rstrip(), is_safe=False)


def _entries(plan: Plan) -> Iterator[tuple[str, Any]]:
    if plan.name is not None:
        yield "name", plan.name
    yield "merge_method", "passthrough"
    if plan.base_model is not None:
        yield "base_model", plan.base_model
    for key, dtype in (("dtype", plan.dtype), ("out_dtype", plan.out_dtype)):
        if dtype is not None:
            yield key, _NAMES[dtype]
    if plan.tokenizer is not None:
        padding = plan.tokenizer.pad_to_multiple_of
        yield "tokenizer", {"source": plan.tokenizer.source} | ({"pad_to_multiple_of": padding} if padding else {})
    yield from _scale(plan.scale)
    if plan.slices[0].is_whole:
        yield "models", [_whole(plan.slices[0])]
    else:
        yield "slices", [_slice(slice_) for slice_ in plan.slices]


def _whole(slice_: Slice) -> dict[str, Any]:
    return {"model": slice_.model} | dict(_scale(_joined(slice_.levels)))


def _slice(slice_: Slice) -> dict[str, Any]:
    """Return a slice with the nearest level at the source and all others at the slice."""
    source = {"model": slice_.model, "layer_range": [slice_.start, slice_.end]}
    return {"sources": [source | dict(_scale(_joined(slice_.levels[:1])))]} | dict(_scale(_joined(slice_.levels[1:])))


def _joined(levels: tuple[ScaleLevel, ...]) -> ScaleLevel:
    """Return one level that is equivalent to several: the first match of the nearest applies either way."""
    return tuple(entry for level in levels for entry in level)


def _scale(level: ScaleLevel) -> Iterator[tuple[str, Any]]:
    if level:
        is_plain = len(level) == 1 and level[0].filter is None
        yield "parameters", {"scale": _value(level[0]) if is_plain else [_entry(entry) for entry in level]}


def _entry(entry: ScaleEntry) -> dict[str, Any]:
    return ({} if entry.filter is None else {"filter": entry.filter}) | {"value": _value(entry)}


def _value(entry: ScaleEntry) -> float | list[float]:
    return entry.values[0] if len(entry.values) == 1 else list(entry.values)
