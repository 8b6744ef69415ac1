"""The text of a new slice, written like the slices beside it."""

from engine.errors import PlanError
from engine.plan.edits.entries import is_json
from engine.plan.edits.finding import own_value
from engine.plan.edits.tree import Kind, Node
from engine.plan.edits.values import Value, flow, quoted

DEFAULT_OFFSET = 4
"""Columns from a slice's dash to that of its source, as the recipes write them."""


def check_range(start: int, end: int) -> None:
    """Raises PlanError for a range that no slice can have."""
    if start < 0:
        raise PlanError(f"a slice cannot begin at layer {start}", why="layers are counted from 0")
    if end < start:
        fix = f"Did you mean [{end}, {start}]?"
        raise PlanError(f"[{start}, {end}] is reversed", why="a slice ends behind its start", fix=fix)


def like(neighbour: Node, model: str, start: int, end: int) -> str:
    """The text of a new slice for the list in which `neighbour` stands."""
    written = neighbour.target
    if neighbour.is_inside_brackets:
        return flow_slice(model, start, end, as_json=is_json(written))
    if written.has_brackets:
        return f"- {flow_slice(model, start, end, as_json=is_json(written))}"
    lines = neighbour.tree.lines
    column = lines.column(neighbour.parent.body) if neighbour.parent is not None else 0
    offset = DEFAULT_OFFSET if neighbour.kind is Kind.ALIAS else _source_offset(neighbour, column)
    text = block_slice(model, start, end, column=column, offset=offset)
    return text.replace("\n", lines.line_break(lines.at(neighbour.start)))


def flow_slice(model: str, start: int, end: int, *, as_json: bool) -> str:
    source: Value = {"model": model, "layer_range": [start, end]}
    return flow({"sources": [source]}, as_json=as_json)


def block_slice(model: str, start: int, end: int, *, column: int, offset: int = DEFAULT_OFFSET) -> str:
    """Beginning with its dash, which will stand at `column`."""
    indent = " " * (column + offset)
    return f"- sources:\n{indent}- model: {quoted(model)}\n{indent}  layer_range: {flow([start, end])}"


def _source_offset(slice_: Node, column: int) -> int:
    """Columns from the dash of a slice to that of its source."""
    sources = own_value(slice_, "sources") if slice_.kind is Kind.MAPPING else None
    if sources is None or sources.kind is not Kind.SEQUENCE or sources.has_brackets:
        return DEFAULT_OFFSET
    return max(2, slice_.tree.lines.column(sources.body) - column)
