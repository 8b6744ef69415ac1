"""Resolve a plan: replace earlier documents and whole models by slices of checkpoints.

An earlier document is never written to disk. Its slices replace its name; where both the document and the plan scale a
tensor, the factors are multiplied.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import groupby
from typing import NamedTuple

from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import shown
from engine.plan.model import Beside, Plan, ScaleEntry, ScaleLevel, Slice
from engine.plan.problems import Problem, Severity, has_errors
from engine.plan.stack import AT_THE_ENDS, FactorLevel, factor_of, levels_at, position_of

Checkpoints = Mapping[str, Checkpoint]


class ResolvedPlan(NamedTuple):
    """A plan whose slices name only checkpoints."""

    plan: Plan | None
    """None if a problem prevents it."""
    documents: tuple[Plan, ...]
    """The earlier documents that were resolved."""
    problems: tuple[Problem, ...]


def resolve(plan: Plan, checkpoints: Checkpoints) -> ResolvedPlan:
    """Return the plan with earlier documents and whole models written out; `checkpoints` has all `plan.models`."""
    documents: dict[str, Plan] = {}
    problems: list[Problem] = []
    for document in (*plan.earlier, plan):
        problems += [*_outside(document, documents), *_not_cast(document, documents, plan)]
        if has_errors(problems):
            return ResolvedPlan(None, tuple(documents.values()), tuple(problems))
        documents[document.name or ""] = _expanded(document, documents, checkpoints)
    *earlier, final = documents.values()
    return ResolvedPlan(final, tuple(earlier), tuple(problems))


def _outside(plan: Plan, documents: Mapping[str, Plan]) -> Iterator[Problem]:
    """Yield ranges outside the document that they name. Ranges of checkpoints are checked by rules."""
    for slice_ in plan.slices:
        document = documents.get(slice_.model)
        if document is None or slice_.is_whole:
            continue
        layers = _depth(document)
        if not 0 <= slice_.start <= slice_.end <= layers:
            message = f"[{slice_.start}, {slice_.end}] is outside `{shown(slice_.model)}`, which has {layers} layers"
            fix = f"Use layers 0 to {layers - 1}; the end is exclusive, so at most {layers}."
            yield Problem("layer-range", Severity.ERROR, message, slice_.range_place, fix)


def _not_cast(plan: Plan, documents: Mapping[str, Plan], final: Plan) -> Iterator[Problem]:
    """Yield earlier documents whose dtype differs from the final document's, which alone is applied."""
    given = final.out_dtype or final.dtype
    for name in plan.own_models:
        document = documents.get(name)
        dtype = document and (document.out_dtype or document.dtype)
        if document and dtype and dtype != given:
            final_dtype = f"the final document has {given}" if given else "the final document sets no dtype"
            message = f"the dtype {dtype} of `{shown(name)}` is ignored: {final_dtype}"
            fix = "Set `dtype` in the final document: earlier documents are not written to disk."
            yield Problem("documents", Severity.WARNING, message, document.slices_place, fix)


def _expanded(plan: Plan, documents: Mapping[str, Plan], checkpoints: Checkpoints) -> Plan:
    whole = [_with_depth(slice_, documents, checkpoints) for slice_ in plan.slices]
    if documents.keys().isdisjoint(plan.own_models):
        return replace(plan, slices=tuple(whole), earlier=())
    slices = [part for slice_ in whole for part in _parts(slice_, plan.scale, documents, checkpoints)]
    first, last = documents.get(whole[0].model), documents.get(whole[-1].model)
    if first is not None:
        donor = donor_of(first, first.slices[0], whole[0], plan.scale, checkpoints)
        slices[:0] = [] if slices and _gives_the_same(donor, slices[0], plan.scale) else [donor]
    if last is not None:
        donor = donor_of(last, last.slices[-1], whole[-1], plan.scale, checkpoints)
        slices += [] if _gives_the_same(donor, slices[-1], plan.scale) else [donor]
    named = plan.base_model or whole[0].model
    base = documents[named].donor if named in documents else named
    return replace(plan, slices=tuple(slices), base_model=base, earlier=())


def _gives_the_same(donor: Slice, slice_: Slice, scale: ScaleLevel) -> bool:
    """Return True if the slice gives the same tensors outside the layers as the donor."""
    return donor.model == slice_.model and not (donor.levels or slice_.levels or scale)


def _parts(slice_: Slice, scale: ScaleLevel, documents: Mapping[str, Plan], checkpoints: Checkpoints) -> list[Slice]:
    document = documents.get(slice_.model)
    return [slice_] if document is None else list(parts_of(document, slice_, scale, checkpoints))


def _with_depth(slice_: Slice, documents: Mapping[str, Plan], checkpoints: Checkpoints) -> Slice:
    if not slice_.is_whole:
        return slice_
    document = documents.get(slice_.model)
    depth = _depth(document) if document else checkpoints[slice_.model].layer_count
    return replace(slice_, end=depth, is_whole=False)


def _depth(document: Plan) -> int:
    return sum(max(0, slice_.length) for slice_ in document.slices)


# Slices of an earlier document


class _Layer(NamedTuple):
    """One layer of the inner plan."""

    slice: Slice
    offset: int
    """Position in the slice."""
    number: int
    """Layer number in the inner plan's model."""


def parts_of(
    inner: Plan, outer: Slice, outer_scale: ScaleLevel, checkpoints: Mapping[str, Checkpoint]
) -> Iterator[Slice]:
    """Yield the slices of checkpoints that replace `outer`, a slice of `inner`'s model.

    `outer_scale` is the global scale of the outer plan. If only one of the two plans scales, its settings are kept. If
    both do, each layer becomes a slice with a factor for each tensor, because the two plans number the layers in tensor
    names differently.
    """
    layers = list(_layers(inner))[outer.start : outer.end]
    if not outer.levels and not outer_scale:
        for _, run in groupby(layers, key=lambda layer: id(layer.slice)):
            yield from _run(list(run), outer, inner.scale)
        return
    for layer in layers:
        checkpoint = checkpoints[layer.slice.model]
        source = layer.slice.start + layer.offset
        names = [
            (checkpoint.anatomy.layer_tensor(source, suffix), checkpoint.anatomy.layer_tensor(layer.number, suffix))
            for suffix in checkpoint.anatomy.layers[source]
        ]
        inside = levels_at((*layer.slice.levels, inner.scale), position_of(layer.offset, layer.slice))
        outside = levels_at((*outer.levels, outer_scale), position_of(layer.number - outer.start, outer))
        yield _placed(outer, layer.slice.model, source, source + 1, (_product(names, inside, outside),))


def donor_of(
    inner: Plan, giver: Slice, outer: Slice, outer_scale: ScaleLevel, checkpoints: Mapping[str, Checkpoint]
) -> Slice:
    """Return a slice without layers that gives the same embeddings or head as `giver`, an end slice of `inner`."""
    inside = levels_at((*giver.levels, inner.scale), AT_THE_ENDS)
    outside = levels_at((*outer.levels, outer_scale), AT_THE_ENDS)
    names = [(name, name) for name in checkpoints[giver.model].anatomy.ends]
    levels = (_product(names, inside, outside),) if inside or outside else ()
    return _placed(outer, giver.model, 0, 0, levels)


def _layers(plan: Plan) -> Iterator[_Layer]:
    number = 0
    for slice_ in plan.slices:
        for offset in range(slice_.length):
            yield _Layer(slice_, offset, number)
            number += 1


def _run(layers: list[_Layer], outer: Slice, scale: ScaleLevel) -> Iterator[Slice]:
    """Yield slices for consecutive layers of one inner slice. A gradient always spans the whole inner slice."""
    whole = layers[0].slice
    levels = tuple([level for level in (*whole.levels, scale) if level])
    is_cut = len(layers) < whole.length and any(len(entry.values) > 1 for level in levels for entry in level)
    for run in [[layer] for layer in layers] if is_cut else [layers]:
        start = whole.start + run[0].offset
        kept = _evaluated(levels, position_of(run[0].offset, whole)) if is_cut else levels
        yield _placed(outer, whole.model, start, start + len(run), kept)


def _evaluated(levels: Iterable[ScaleLevel], position: float) -> tuple[ScaleLevel, ...]:
    """Return the levels with each gradient replaced by its value at `position`."""
    return tuple(
        [
            tuple([replace(entry, values=(factor,)) for entry, (_, factor) in zip(level, factors, strict=True)])
            for level, factors in zip(levels, levels_at(levels, position), strict=True)
        ]
    )


def _product(
    names: Iterable[tuple[str, str]], inner: tuple[FactorLevel, ...], outer: tuple[FactorLevel, ...]
) -> ScaleLevel:
    """Return one entry per tensor, from pairs of its names in the two plans.

    Longest names first, because a filter also matches names that contain it.
    """
    factors = {name: _factor(inner, name) * _factor(outer, seen) for name, seen in names}
    return tuple([ScaleEntry(name, (factors[name],)) for name in sorted(factors, key=len, reverse=True)])


def _factor(levels: tuple[FactorLevel, ...], name: str) -> float:
    factor = factor_of(levels, name)
    return 1.0 if factor is None else factor


def _placed(outer: Slice, model: str, start: int, end: int, levels: tuple[ScaleLevel, ...]) -> Slice:
    """Return a slice at the position of the outer slice."""
    return Slice(model, start, end, levels, outer.at, Beside(outer.range_at), outer.model_at)
