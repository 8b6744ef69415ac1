"""What a list of slices shows: each slice as it stands in the text, readable or not."""

from dataclasses import dataclass

from engine.plan.edits.finding import has_no_slices, open_tree, slice_list, value_of
from engine.plan.edits.scale_settings import own_scales, settings, whole_number
from engine.plan.edits.tree import Kind, Node


@dataclass(frozen=True, slots=True)
class SliceView:
    """One slice of the text."""

    first_line: int
    """Where it begins, counted from 1."""
    last_line: int
    """Inclusive."""
    models: tuple[str, ...]
    """As written, one for each source."""
    start: int | None
    end: int | None
    """None where there are not two whole numbers of a single source."""
    scale: float | None
    """The one factor of the tensors that its scale names; None without a scale, or with one that is more than that."""
    has_other_scale: bool
    """Its scale is more than one factor: see the text."""
    alias_of: int | None
    """The line of what it stands for, where it is an alias."""


def slices_of(text: str) -> list[SliceView]:
    """The slices in their order; none for an empty plan. Raises PlanError for a text that does not parse or has
    something else than slices."""
    tree = open_tree(text)
    return [] if has_no_slices(tree) else [_view(item) for item in slice_list(tree).children]


def _view(item: Node) -> SliceView:
    lines = item.tree.lines
    sources = _sources(item.target)
    start, end = _range(sources)
    scale, is_other = _scale(item)
    return SliceView(
        first_line=item.line,
        last_line=lines.at(item.end) + 1,
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
    listed = value_of(sources[0], "layer_range") if len(sources) == 1 else None
    bounds = listed.target.children if listed is not None and listed.target.kind is Kind.SEQUENCE else ()
    start, end = (whole_number(bound) for bound in bounds) if len(bounds) == 2 else (None, None)
    return (start, end) if start is not None and end is not None else (None, None)


def _model(source: Node) -> str:
    """Text, or the innermost text of mergekit's mapping form."""
    node = value_of(source, "model")
    while node is not None and node.target.kind is Kind.MAPPING:
        node = value_of(node.target, "model") or value_of(node.target, "path")
    return "" if node is None else node.target.value


def _scale(item: Node) -> tuple[float | None, bool]:
    """The one factor that its own scales set, and whether they say something else."""
    levels = [settings(scale) for scale in own_scales(item.target)]
    told = [setting for level in levels for setting in level if not setting.is_default]
    if not told:
        return None, False
    factor = told[0].factor
    is_simple = len(levels) == 1 and all(setting.filter and setting.factor == factor for setting in told)
    return (factor, False) if is_simple and factor is not None else (None, True)
