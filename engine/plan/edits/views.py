"""Slices and scales as written in the text, for the list of slices and for edits."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from engine.plan.edits.tree import Node, has_no_slices, open_tree, root_of, slice_list, value_of
from engine.plan.syntax.tree import Kind


@dataclass(frozen=True, slots=True)
class SliceView:
    """One slice of the text."""

    first_line: int
    """Counted from 1."""
    last_line: int
    """Inclusive."""
    models: tuple[str, ...]
    """References as written, one per source."""
    start: int | None
    end: int | None
    """Range of the first source; None unless it is two whole numbers, and as long as those of the other sources."""
    scale: float | None
    """The one factor of the filtered tensors; None without a scale and for any other scale."""
    has_other_scale: bool
    """The scale is more than one factor."""
    alias_of: int | None
    """Line of the alias's target, counted from 1; None for a slice that is not an alias."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One entry of a scale, or a scale without entries."""

    filter: str | None
    """None: every tensor."""
    value: Node | None
    """A factor or a gradient; None if it is missing."""

    @property
    def factor(self) -> float | None:
        """None for a gradient and for what is not a number."""
        value = self.value
        if value is not None and value.kind is Kind.SEQUENCE and len(value.children) == 1:
            value = value.children[0].target
        return None if value is None else as_number(value)

    @property
    def is_default(self) -> bool:
        """Return True if the entry leaves the remaining tensors unchanged."""
        return self.filter is None and self.factor == 1.0

    @property
    def is_gradient(self) -> bool:
        return self.value is not None and self.value.kind is Kind.SEQUENCE and len(self.value.children) > 1


def slices_of(text: str) -> list[SliceView]:
    """Return the slices in order; an empty list for an empty plan.

    Raises PlanError for a text that is not YAML or has something other than slices.
    """
    tree = open_tree(text)
    return [] if has_no_slices(tree) else [_view(item) for item in slice_list(tree).children]


def scale_of(holder: Node | None) -> Node | None:
    """Return the scale of a source, a slice or the plan, as written there."""
    parameters = value_of(holder, "parameters")
    return None if parameters is None else value_of(parameters.target, "scale")


def settings(scale: Node | None) -> list[Setting]:
    """Return the entries in order: the first that matches a tensor applies."""
    if scale is None:
        return []
    items = [item.target for item in scale.target.children] if scale.target.kind is Kind.SEQUENCE else []
    if not any(item.kind is Kind.MAPPING for item in items):
        return [Setting(None, scale.target)]
    return [_setting(item) for item in items]


def own_scales(slice_: Node) -> Iterator[Node]:
    """Yield the scales set in a slice, nearest first: of its source, then its own."""
    sources = value_of(slice_, "sources")
    source = sources.target.children[0].target if sources is not None and sources.target.children else None
    return (scale for holder in (source, slice_) if (scale := scale_of(holder)) is not None)


def gradient_line(slice_: Node) -> int | None:
    """Return the line of a gradient that applies to the slice, counted from 1."""
    scales = [*own_scales(slice_.target), scale_of(root_of(slice_.tree))]
    for scale in scales:
        if scale is not None and any(setting.is_gradient for setting in settings(scale)):
            return scale.target.line
    return None


def as_number(node: Node) -> float | None:
    """Return a finite number, also from quotes."""
    if node.kind is not Kind.SCALAR:
        return None
    try:
        number = float(node.value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def whole_number(node: Node) -> int | None:
    """Return a bound as mergekit reads it: `4.0` and `"4"` are 4."""
    number = as_number(node.target)
    return int(number) if number is not None and number.is_integer() else None


def _setting(item: Node) -> Setting:
    pattern, value = value_of(item, "filter"), value_of(item, "value")
    text = None if pattern is None or pattern.target.value == "*" else pattern.target.value
    return Setting(text, None if value is None else value.target)


def _view(item: Node) -> SliceView:
    sources = _sources(item.target)
    start, end = _range(sources)
    scale, is_other = _scale(item)
    return SliceView(
        first_line=item.line,
        last_line=item.tree.lines.at(item.end) + 1,
        models=tuple(_model(source) for source in sources),
        start=start,
        end=end,
        scale=scale,
        has_other_scale=is_other,
        alias_of=item.target.line if item.kind is Kind.ALIAS else None,
    )


def _sources(slice_: Node) -> list[Node]:
    listed = value_of(slice_, "sources")
    items = listed.target.children if listed is not None and listed.target.kind is Kind.SEQUENCE else ()
    return [item.target for item in items]


def _range(sources: list[Node]) -> tuple[int | None, int | None]:
    ranges = [_range_of(source) for source in sources]
    lengths = {None if start is None or end is None else end - start for start, end in ranges}
    return ranges[0] if len(lengths) == 1 else (None, None)


def _range_of(source: Node) -> tuple[int | None, int | None]:
    listed = value_of(source, "layer_range")
    bounds = listed.target.children if listed is not None and listed.target.kind is Kind.SEQUENCE else ()
    start, end = (whole_number(bound) for bound in bounds) if len(bounds) == 2 else (None, None)
    return (start, end) if start is not None and end is not None else (None, None)


def _model(source: Node) -> str:
    """Return the text, or the innermost text of mergekit's mapping form."""
    node = value_of(source, "model")
    while node is not None and node.target.kind is Kind.MAPPING:
        node = value_of(node.target, "model") or value_of(node.target, "path")
    return "" if node is None else node.target.value


def _scale(item: Node) -> tuple[float | None, bool]:
    """Return the one factor that the slice's own scales set, and whether they set anything else."""
    levels = [settings(scale) for scale in own_scales(item.target)]
    effective = [setting for level in levels for setting in level if not setting.is_default]
    if not effective:
        return None, False
    factor = effective[0].factor
    is_simple = len(levels) == 1 and all(setting.filter and setting.factor == factor for setting in effective)
    return (factor, False) if is_simple and factor is not None else (None, True)
