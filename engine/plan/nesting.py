"""A slice of another plan, as slices of the checkpoints which that plan stacks."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby

from engine.checkpoint.checkpoint import Checkpoint
from engine.plan.model import Beside, Plan, ScaleEntry, ScaleLevel, Slice
from engine.plan.stack import AT_THE_ENDS, FactorLevel, factor_of, levels_at, position_of


@dataclass(frozen=True, slots=True)
class _Layer:
    """One layer of the inner plan."""

    slice: Slice
    offset: int
    """In its slice."""
    number: int
    """In the inner plan's model."""


def parts_of(
    inner: Plan, outer: Slice, outer_scale: ScaleLevel, checkpoints: Mapping[str, Checkpoint]
) -> Iterator[Slice]:
    """What `outer`, a slice of the model of `inner`, stands for. `outer_scale` is the global one of its plan.

    Where only one of the two scales, its settings are kept. Where both do, each layer gets a slice of its own with a
    factor for each of its tensors, as the two see other layer numbers in a tensor's name.
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
    """A slice without layers that gives what lies outside the layers as `giver`, an end of `inner`, does."""
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
    """Layers of one slice of the inner plan. A gradient runs over all of that slice, taken as a whole or not."""
    whole = layers[0].slice
    levels = tuple([level for level in (*whole.levels, scale) if level])
    is_cut = len(layers) < whole.length and any(len(entry.values) > 1 for level in levels for entry in level)
    for run in [[layer] for layer in layers] if is_cut else [layers]:
        start = whole.start + run[0].offset
        kept = _evaluated(levels, position_of(run[0].offset, whole)) if is_cut else levels
        yield _placed(outer, whole.model, start, start + len(run), kept)


def _evaluated(levels: Iterable[ScaleLevel], position: float) -> tuple[ScaleLevel, ...]:
    """The levels without gradients."""
    return tuple(
        [
            tuple([replace(entry, values=(factor,)) for entry, (_, factor) in zip(level, factors, strict=True)])
            for level, factors in zip(levels, levels_at(levels, position), strict=True)
        ]
    )


def _product(
    names: Iterable[tuple[str, str]], inner: tuple[FactorLevel, ...], outer: tuple[FactorLevel, ...]
) -> ScaleLevel:
    """An entry for each tensor, given its name inside and outside; the longest name first, as a filter also matches
    what begins like it."""
    factors = {name: _factor(inner, name) * _factor(outer, seen) for name, seen in names}
    return tuple([ScaleEntry(name, (factors[name],)) for name in sorted(factors, key=len, reverse=True)])


def _factor(levels: tuple[FactorLevel, ...], name: str) -> float:
    factor = factor_of(levels, name)
    return 1.0 if factor is None else factor


def _placed(outer: Slice, model: str, start: int, end: int, levels: tuple[ScaleLevel, ...]) -> Slice:
    """A slice that stands where the outer one does."""
    return Slice(model, start, end, levels, outer.at, Beside(outer.range_at), outer.model_at)
