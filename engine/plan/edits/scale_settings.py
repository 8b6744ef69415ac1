"""Reads the `scale` settings of a plan in its tree, in the forms that mergekit knows."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from engine.plan.edits.finding import value_of
from engine.plan.edits.tree import Kind, Node


@dataclass(frozen=True, slots=True)
class Setting:
    """One entry of a scale, or a scale that is none of several."""

    filter: str | None
    """None: every tensor."""
    value: Node | None
    """A factor or a gradient; None where it is missing."""

    @property
    def factor(self) -> float | None:
        """None for a gradient, and for what is no number."""
        value = self.value
        if value is not None and value.kind is Kind.SEQUENCE and len(value.children) == 1:
            value = value.children[0].target
        return None if value is None else as_number(value)

    @property
    def is_default(self) -> bool:
        """It leaves what the others do not name as it is."""
        return self.filter is None and self.factor == 1.0

    @property
    def is_gradient(self) -> bool:
        return self.value is not None and self.value.kind is Kind.SEQUENCE and len(self.value.children) > 1


def scale_of(holder: Node | None) -> Node | None:
    """The scale that a source, a slice or the plan sets, as written there."""
    parameters = value_of(holder, "parameters")
    return None if parameters is None else value_of(parameters.target, "scale")


def settings(scale: Node | None) -> list[Setting]:
    """In their order: the first that matches a tensor counts."""
    if scale is None:
        return []
    items = [item.target for item in scale.target.children] if scale.target.kind is Kind.SEQUENCE else []
    if not any(item.kind is Kind.MAPPING for item in items):
        return [Setting(None, scale.target)]
    return [_setting(item) for item in items]


def own_scales(slice_: Node) -> Iterator[Node]:
    """The scales set in a slice, nearest first: of its source, its own."""
    sources = value_of(slice_, "sources")
    source = sources.target.children[0].target if sources is not None and sources.target.children else None
    return (scale for holder in (source, slice_) if (scale := scale_of(holder)) is not None)


def gradient_line(slice_: Node) -> int | None:
    """The line of a scale that changes over the slice's layers, counted from 1."""
    scales = [*own_scales(slice_.target), scale_of(slice_.tree.root)]
    for scale in scales:
        if scale is not None and any(setting.is_gradient for setting in settings(scale)):
            return scale.target.line
    return None


def as_number(node: Node) -> float | None:
    """A finite number, in quotes too."""
    if node.kind is not Kind.SCALAR:
        return None
    try:
        number = float(node.value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def whole_number(node: Node) -> int | None:
    """As mergekit reads a bound: `4.0` and `"4"` are 4."""
    number = as_number(node.target)
    return int(number) if number is not None and number.is_integer() else None


def _setting(item: Node) -> Setting:
    wanted, value = value_of(item, "filter"), value_of(item, "value")
    text = None if wanted is None or wanted.target.value == "*" else wanted.target.value
    return Setting(text, None if value is None else value.target)
