"""Results of comparisons and of searches for origins as text: what is seen, not what it means."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from statistics import median
from textwrap import wrap
from typing import Any

from dlec_tui.wording import clipped
from engine.comparison.change_map import GROUP_ORDER, Quantity, by_group, change_map
from engine.comparison.pictures import CAVEAT
from engine.errors import shown
from engine.store.comparisons import TensorDifference
from engine.units import plural

Answer = Mapping[str, Any]

_TYPE_WIDTH = 34
_TEXT_WIDTH = 100
_MOST_NAMES = 8
"""Maximum number of tensors outside the layers, and of tensors that are not compared, in the text."""
_FIELDS = tuple(field.name for field in fields(TensorDifference))


def tensors_of(answer: Answer) -> tuple[TensorDifference, ...]:
    """Return the compared tensors of an answer."""
    return tuple(
        TensorDifference(**{name: pair[name] for name in _FIELDS} | {"energy": tuple(pair["energy"])})
        for pair in answer["pairs"]
    )


def diff_headline(answer: Answer) -> str:
    """Return the result in a few words."""
    pairs = answer["pairs"]
    same = sum(pair["identical"] == 1 for pair in pairs)
    return f"{plural(len(pairs), 'tensor')} compared, {same:,} bit-identical"


def diff_lines(answer: Answer) -> Iterator[str]:
    """Yield everything except the map, without colours."""
    yield from head_lines(answer)
    yield from table_lines(answer)


def head_lines(answer: Answer) -> Iterator[str]:
    """Yield what was compared with what, and what was not."""
    yield f"B: {shown(answer['b'])}"
    yield f"A: {shown(answer['a'])}"
    yield f"paired by {answer['pair']}: {shown(answer['reason'])}"
    yield from (f"note: {shown(note)}" for note in answer.get("notes", ()))
    yield diff_headline(answer)
    yield from _unpaired_lines(answer["unpaired"])
    yield from _not_finite_lines(answer["pairs"])
    rows_left = {pair["rows_left"] for pair in answer["pairs"] if pair["rows_left"]}
    yield from (f"the vocabularies differ: {rows:,} rows were left out" for rows in sorted(rows_left))


def table_lines(answer: Answer) -> Iterator[str]:
    """Yield medians by tensor type and by layer group, tensors outside the layers, and the caveat."""
    tensors, layers = tensors_of(answer), answer["layers"]
    yield from _type_lines(tensors, layers)
    for quantity in (Quantity.RELATIVE, Quantity.RMS):
        yield from _group_lines(tensors, layers, quantity)
    yield from _rank_lines(tensors)
    yield from _end_lines(tensors)
    yield from _scaled_lines(tensors)
    if any(tensor.rms for tensor in tensors):
        yield from wrap(CAVEAT, _TEXT_WIDTH)


def _unpaired_lines(unpaired: Sequence[Answer]) -> Iterator[str]:
    for tensor in unpaired[:_MOST_NAMES]:
        yield f"not compared: {shown(tensor['name'])}: {shown(tensor['reason'])}"
    if len(unpaired) > _MOST_NAMES:
        yield f"and {len(unpaired) - _MOST_NAMES:,} more that are not compared (--json lists all)"


def _not_finite_lines(pairs: Sequence[Answer]) -> Iterator[str]:
    broken = [pair for pair in pairs if pair["not_finite"]]
    for pair in broken[:_MOST_NAMES]:
        yield f"warning: {shown(pair['name'])}: {plural(pair['not_finite'], 'element')} NaN or infinite, left out"
    if len(broken) > _MOST_NAMES:
        yield f"warning: {len(broken) - _MOST_NAMES:,} more tensors with NaN or infinite elements"


def _type_lines(tensors: Sequence[TensorDifference], layers: int) -> Iterator[str]:
    maps = {quantity: change_map(tensors, layers, quantity) for quantity in Quantity}
    types = maps[Quantity.IDENTICAL].types
    if not types:
        return
    columns = f"{'relative':>9} {'largest (layer)':>17} {'rms':>9} {'expected':>8} {'same':>6}"
    yield f"{'median over the layers':{_TYPE_WIDTH}} {columns}"
    for type_ in types:
        relative = maps[Quantity.RELATIVE].row(type_)
        known = [(value, layer) for layer, value in enumerate(relative) if value is not None]
        largest, layer = max(known, default=(0.0, 0))
        middles = (
            _middle(maps[quantity].row(type_)) for quantity in (Quantity.RMS, Quantity.EXPECTED, Quantity.IDENTICAL)
        )
        rms, expected, same = middles
        yield (
            f"{clipped(shown(type_), _TYPE_WIDTH):{_TYPE_WIDTH}} {_number(_middle(relative)):>9} "
            f"{f'{_number(largest)} ({layer})' if known else 'n/a':>17} {_number(rms):>9} "
            f"{'' if expected is None else f'{expected:+.2f}':>8} {'' if same is None else f'{same:.1%}':>6}"
        )


def _middle(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def _number(value: float | None) -> str:
    if value is None:
        return "n/a"
    return f"{value:.2e}" if value and abs(value) < 1e-3 else f"{value:.4f}"


def _group_lines(tensors: Sequence[TensorDifference], layers: int, quantity: Quantity) -> Iterator[str]:
    groups = by_group(tensors, layers, quantity)
    if not groups:
        return
    order = sorted(groups, key=lambda group: GROUP_ORDER.index(group) if group in GROUP_ORDER else len(GROUP_ORDER))
    yield f"{f'median {quantity} by group':{_TYPE_WIDTH}} " + " ".join(f"{group:>14}" for group in order)
    for type_ in dict.fromkeys(type_ for group in order for type_ in groups[group]):
        cells = (f"{_number(groups[group].get(type_)):>14}" for group in order)
        yield f"{clipped(shown(type_), _TYPE_WIDTH):{_TYPE_WIDTH}} {' '.join(cells)}"


def _rank_lines(tensors: Sequence[TensorDifference]) -> Iterator[str]:
    """Yield the median ranks of the differences by tensor type and group, if they were computed."""
    ranked = [tensor for tensor in tensors if tensor.layer is not None and tensor.effective_rank is not None]
    kinds = dict.fromkeys((tensor.type, tensor.group) for tensor in ranked)
    if kinds:
        columns = f"{'effective rank':>14} {'stable rank':>11} {'energy in 8':>14}"
        yield f"{'median over the layers':{_TYPE_WIDTH}} {columns}"
    for type_, group in kinds:
        own = [tensor for tensor in ranked if (tensor.type, tensor.group) == (type_, group)]
        name = f"{shown(type_)}, {group}" if group else shown(type_)
        effective = median(tensor.effective_rank or 0.0 for tensor in own)
        stable = median(tensor.stable_rank or 0.0 for tensor in own)
        energy = median(tensor.energy[-1] for tensor in own)
        yield f"{clipped(name, _TYPE_WIDTH):{_TYPE_WIDTH}} {effective:>14.1f} {stable:>11.1f} {energy:>14.1%}"


def _end_lines(tensors: Sequence[TensorDifference]) -> Iterator[str]:
    ends = [tensor for tensor in tensors if tensor.layer is None]
    for tensor in ends[:_MOST_NAMES]:
        yield (
            f"{clipped(shown(tensor.type), _TYPE_WIDTH):{_TYPE_WIDTH}} {_number(tensor.relative):>9} "
            f"{'':>17} {_number(tensor.rms):>9} {'':>8} {tensor.identical:>6.1%}"
        )
    if len(ends) > _MOST_NAMES:
        yield f"and {len(ends) - _MOST_NAMES:,} more outside the layers (--json lists all)"


def _scaled_lines(tensors: Sequence[TensorDifference]) -> Iterator[str]:
    scaled = [tensor for tensor in tensors if tensor.factor != 1]
    if scaled:
        factors = ", ".join(f"{factor:g}" for factor in sorted({tensor.factor for tensor in scaled}))
        yield (
            f"{plural(len(scaled), 'tensor')} scaled by the plan ({factors}): compared with the scaled source, "
            "relative to the unscaled one"
        )


def origin_headline(answer: Answer) -> str:
    """Return the result in a few words."""
    layers = answer["layers"]
    explained = sum(layer["base_layer"] is not None for layer in layers)
    if explained == 0:
        return "no stack of these bases"
    if explained < len(layers):
        return f"{explained} of {plural(len(layers), 'layer')} have an origin"
    return f"a stack of {plural(len(layers), 'layer')}, {'byte for byte' if answer['exact'] else 'changed since'}"


def origin_lines(answer: Answer) -> Iterator[str]:
    """Yield the origin of each run of layers, and what has none."""
    yield f"{shown(answer['model'])}: {origin_headline(answer)}"
    for run in _origin_runs(answer["layers"]):
        yield _origin_line(run)
    if changed := answer["changed"]:
        yield f"changed outside the layers: {', '.join(map(shown, changed[:_MOST_NAMES]))}"
    unexplained = answer["unexplained"]
    for name in unexplained[:_MOST_NAMES]:
        yield f"of no base: {shown(name)}"
    if len(unexplained) > _MOST_NAMES:
        yield f"and {len(unexplained) - _MOST_NAMES:,} more tensors of no base (--json lists all)"


def _origin_runs(layers: Sequence[Answer]) -> Iterator[Sequence[Answer]]:
    """Yield runs of consecutive layers of one base with the same scales and evidence."""
    start = 0
    for end in range(1, len(layers) + 1):
        if end == len(layers) or not _continues(layers[end - 1], layers[end]):
            yield layers[start:end]
            start = end


def _continues(before: Answer, layer: Answer) -> bool:
    same = all(before[key] == layer[key] for key in ("model", "scales", "evidence"))
    if before["base_layer"] is None or layer["base_layer"] is None:
        return same and before["base_layer"] is layer["base_layer"]
    return same and layer["base_layer"] == before["base_layer"] + 1


def _origin_line(run: Sequence[Answer]) -> str:
    first, last = run[0], run[-1]
    layers = _span(first["layer"], last["layer"])
    if first["base_layer"] is None:
        return f"{layers:>8}  no origin (cosine at most {max(layer['cosine'] for layer in run):.3f})"
    source = f"{_span(first['base_layer'], last['base_layer']):>8} of {shown(first['model'])}"
    scales = ", ".join(f"{shown(name)} x {factor:g}" for name, factor in first["scales"].items())
    cosine, margin = (min(layer[key] for layer in run) for key in ("cosine", "margin"))
    sure = f"cosine {cosine:.3f}, margin {margin:.3f}" + ("" if margin >= _SURE else ", not sure")
    evidence = first["evidence"] if first["evidence"] == "identical" else f"{first['evidence']}: {sure}"
    return f"{layers:>8}  {source}  {evidence}{f'; {scales}' if scales else ''}"


_SURE = 0.05
"""Margin from which on an origin is sure (see `engine.comparison.origin.SMALLEST_MARGIN`, which imports numpy)."""


def _span(first: int, last: int) -> str:
    return f"{first}" if first == last else f"{first}-{last}"
