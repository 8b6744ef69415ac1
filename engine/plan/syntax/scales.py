"""Reads `parameters: {scale: ...}` in the forms mergekit knows: factor, gradient, filtered list."""

from engine.plan.model import ScaleEntry, ScaleLevel
from engine.plan.syntax.nodes import Mapping, Node, Sequence
from engine.plan.syntax.reading import Findings, as_factor, as_mapping, as_text, check_keys


def read_parameters(holder: Mapping, found: Findings) -> ScaleLevel:
    """The scale level of a mapping that may have `parameters`; empty when it sets none."""
    node = holder.get("parameters")
    parameters = None if node is None else as_mapping(node, "`parameters`", found)
    if parameters is None:
        return ()
    check_keys(parameters, ("scale",), "passthrough's parameters", found)
    scale = parameters.get("scale")
    return () if scale is None else read_scale(scale, found)


def read_scale(node: Node, found: Findings) -> ScaleLevel:
    if isinstance(node, Mapping):
        place = node.place
        found.error("scale", "filtered scales must be a list", place, "Put `- ` before `filter`.")
        return ()
    if isinstance(node, Sequence) and any(isinstance(item, Mapping) for item in node.items):
        return tuple(entry for item in node.items if (entry := _filtered(item, found)))
    values = _factors(node, found)
    return (ScaleEntry(None, values, node.place),) if values else ()


def _filtered(node: Node, found: Findings) -> ScaleEntry | None:
    entry = as_mapping(node, "an entry of a filtered scale", found)
    if entry is None:
        return None
    check_keys(entry, ("filter", "value"), "a filtered scale", found)
    value = entry.get("value")
    if value is None:
        found.error("scale", "this entry has no `value`", entry.place)
        return None
    values = _factors(value, found)
    wanted = entry.get("filter")
    text = None if wanted is None else as_text(wanted, "`filter`", found)
    return ScaleEntry(None if text == "*" else text, values, entry.place) if values else None


def _factors(node: Node, found: Findings) -> tuple[float, ...]:
    """One factor, or the knots of a gradient; empty when something was wrong."""
    items = node.items if isinstance(node, Sequence) else (node,)
    factors = [as_factor(item, found) for item in items]
    if not items:
        found.error("scale", "an empty list scales nothing", node.place)
    return tuple(f for f in factors if f is not None) if None not in factors else ()
