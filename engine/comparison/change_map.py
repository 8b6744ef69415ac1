"""The map of a comparison: one value for each layer and tensor type, and its level on a scale.

Imports no numpy: interfaces draw from here.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from statistics import median
from typing import Protocol, TypeAlias

Cell: TypeAlias = tuple[str, int]
"""Tensor type and layer."""


class Compared(Protocol):
    """One compared tensor (see `engine.store.comparisons.TensorDifference`)."""

    @property
    def layer(self) -> int | None: ...
    @property
    def type(self) -> str: ...
    @property
    def group(self) -> str: ...
    @property
    def elements(self) -> int: ...
    @property
    def base_rms(self) -> float | None: ...
    @property
    def rms(self) -> float | None: ...
    @property
    def identical(self) -> float: ...


class Quantity(StrEnum):
    """Quantity of a map."""

    RELATIVE = "relative"
    """RMS of the difference over the RMS of the base's tensor."""
    RMS = "rms"
    """RMS of the difference."""
    EXPECTED = "expected"
    """log2 of the RMS of the difference over its median: an optimizer that moves every element alike gives 0."""
    IDENTICAL = "identical"
    """Share of elements that are bit-identical."""


class Scale(StrEnum):
    """Reference of the colours of a map."""

    TYPE = "type"
    """Rank among the layers of one tensor type, from the 5th to the 95th percentile."""
    SHARED = "shared"
    """Linear, 0 to the largest value of the map."""


_LOW, _HIGH = 0.05, 0.95
_WIDEST_EXPECTATION = 2.0
"""Factors of 4 up and down take the whole scale."""


@dataclass(frozen=True)
class ChangeMap:
    """Values of one quantity by tensor type and layer."""

    quantity: Quantity
    scale: Scale
    types: tuple[str, ...]
    """Tensor types in the order of the model."""
    layers: int
    values: Mapping[Cell, float]

    @cached_property
    def levels(self) -> Mapping[Cell, float]:
        """Level of each cell, from 0 to 1."""
        if self.quantity is Quantity.EXPECTED:
            return {cell: _clamped(0.5 + value / 2 / _WIDEST_EXPECTATION) for cell, value in self.values.items()}
        if self.scale is Scale.SHARED:
            largest = max(self.values.values(), default=0.0)
            return {cell: value / largest if largest else 0.0 for cell, value in self.values.items()}
        levels: dict[Cell, float] = {}
        for type_ in self.types:
            levels |= _ranked({cell: value for cell, value in self.values.items() if cell[0] == type_})
        return levels

    def row(self, type_: str) -> list[float | None]:
        """Values of one tensor type, layer by layer."""
        return [self.values.get((type_, layer)) for layer in range(self.layers)]


def change_map(
    tensors: Iterable[Compared], layers: int, quantity: Quantity = Quantity.RELATIVE, scale: Scale = Scale.TYPE
) -> ChangeMap:
    """Return the map of compared tensors; several of one type and layer (experts) are pooled."""
    cells: dict[Cell, list[Compared]] = defaultdict(list)
    for tensor in tensors:
        if tensor.layer is not None and tensor.layer < layers:
            cells[tensor.type, tensor.layer].append(tensor)
    types = tuple(dict.fromkeys(type_ for type_, _ in cells))
    pooled = {cell: _pooled(each, quantity) for cell, each in cells.items()}
    values = {cell: value for cell, value in pooled.items() if value is not None}
    if quantity is Quantity.EXPECTED:
        values = _against_median(values)
    return ChangeMap(quantity, scale, types, layers, values)


def expectations(tensors: Sequence[Compared]) -> list[float | None]:
    """Return log2 of each tensor's rms over the median of those that have changed; None for an unchanged one."""
    changed = [tensor.rms for tensor in tensors if tensor.rms]
    middle = median(changed) if changed else 0.0
    return [math.log2(tensor.rms / middle) if tensor.rms else None for tensor in tensors]


def _pooled(tensors: Sequence[Compared], quantity: Quantity) -> float | None:
    elements = sum(tensor.elements for tensor in tensors)
    if quantity is Quantity.IDENTICAL:
        return sum(tensor.identical * tensor.elements for tensor in tensors) / elements
    known = [tensor for tensor in tensors if tensor.rms is not None and tensor.base_rms is not None]
    if not known:
        return None
    changes = math.sqrt(sum((tensor.rms or 0.0) ** 2 * tensor.elements for tensor in known) / elements)
    if quantity is not Quantity.RELATIVE:
        return changes
    bases = math.sqrt(sum((tensor.base_rms or 0.0) ** 2 * tensor.elements for tensor in known) / elements)
    return changes / bases if bases else None if changes else 0.0


def _against_median(values: Mapping[Cell, float]) -> dict[Cell, float]:
    """log2 of values over the median of those that are not 0, which have no logarithm."""
    changed = {cell: value for cell, value in values.items() if value > 0}
    middle = median(changed.values()) if changed else 1.0
    return {cell: math.log2(value / middle) for cell, value in changed.items()}


def _ranked(values: Mapping[Cell, float]) -> dict[Cell, float]:
    """Rank of each value among the others, from 0 to 1; equal values have equal ranks, and all equal ones 0."""
    ordered = sorted(values.values())
    last = len(ordered) - 1
    if last < 1 or ordered[0] == ordered[-1]:
        return dict.fromkeys(values, 0.0)
    places: dict[float, list[int]] = defaultdict(list)
    for place, value in enumerate(ordered):
        places[value].append(place)
    return {
        cell: _clamped((sum(places[value]) / len(places[value]) / last - _LOW) / (_HIGH - _LOW))
        for cell, value in values.items()
    }


def _clamped(level: float) -> float:
    return min(max(level, 0.0), 1.0)


GROUP_ORDER = ("single layers", "originals", "first copies", "second copies", "third copies", "fourth copies")


def by_group(tensors: Sequence[Compared], layers: int, quantity: Quantity) -> dict[str, dict[str, float]]:
    """Return the median of a quantity over the layers of each group, by group and tensor type; empty without groups."""
    groups = {tensor.layer: tensor.group for tensor in tensors if tensor.group and tensor.layer is not None}
    values: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for (type_, layer), value in change_map(tensors, layers, quantity).values.items():
        if layer in groups:
            values[groups[layer]][type_].append(value)
    order = sorted(values, key=lambda group: GROUP_ORDER.index(group) if group in GROUP_ORDER else len(GROUP_ORDER))
    return {group: {type_: median(each) for type_, each in values[group].items()} for group in order}


def course(comparisons: Sequence[tuple[Sequence[Compared], int]], quantity: Quantity) -> dict[str, list[float]]:
    """Return the median of each layer group over all tensor types, comparison by comparison (tensors and layers).

    One group of all layers where no layer is repeated.
    """
    result: dict[str, list[float]] = defaultdict(list)
    for tensors, layers in comparisons:
        groups = by_group(tensors, layers, quantity)
        values = {group: list(types.values()) for group, types in groups.items()}
        everything = list(change_map(tensors, layers, quantity).values.values())
        for group, each in (values or {"all layers": everything}).items():
            result[group].append(median(each) if each else 0.0)
    return dict(result)
