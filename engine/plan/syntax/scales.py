"""Read `parameters: {scale: ...}` in mergekit's forms: factor, gradient, filtered list.

`linear` uses the same forms for `weight`.
"""

from collections.abc import Collection

from engine.plan.model import ScaleEntry, ScaleLevel
from engine.plan.problems import Change, insertion
from engine.plan.syntax.nodes import Mapping, Node, Sequence
from engine.plan.syntax.values import Findings, as_factor, as_mapping, as_text, check_keys

PASSTHROUGH_PARAMETERS = ("scale",)


def read_parameters(
    holder: Mapping, findings: Findings, known: Collection[str] = PASSTHROUGH_PARAMETERS, parameter: str = "scale"
) -> ScaleLevel:
    """Read the level that the `parameters` of a mapping set for one parameter; empty if it is not set."""
    node = holder.given("parameters")
    parameters = None if node is None else as_mapping(node, "`parameters`", findings)
    if parameters is None:
        return ()
    check_keys(
        parameters, known, "passthrough's parameters" if parameter == "scale" else "linear's parameters", findings
    )
    setting = parameters.get(parameter)
    return () if setting is None else read_setting(setting, f"a {parameter}", findings)


def read_setting(node: Node, what: str, findings: Findings) -> ScaleLevel:
    if isinstance(node, Mapping):
        message = "mergekit before 0.1.5 rejects a single filtered scale that is not in a list"
        findings.warning("lone-filter", message, node.place, "Add `- ` before it.", _as_list(node))
        entry = _filtered(node, what, findings)
        return () if entry is None else (entry,)
    items = node.items() if isinstance(node, Sequence) else []
    if any(isinstance(item, Mapping) for item in items):
        return tuple([entry for item in items if (entry := _filtered(item, what, findings))])
    values = _factors(node, what, findings)
    return (ScaleEntry(None, values, node),) if values else ()


def _filtered(node: Node, what: str, findings: Findings) -> ScaleEntry | None:
    entry = as_mapping(node, "an entry of a filtered scale", findings)
    if entry is None:
        return None
    check_keys(entry, ("filter", "value"), "a filtered scale", findings)
    value = entry.get("value")
    if value is None:
        findings.error("scale", "this entry has no `value`", entry.place)
        return None
    values = _factors(value, what, findings)
    pattern = entry.given("filter")
    text = None if pattern is None else as_text(pattern, "`filter`", findings)
    if not values:
        return None
    return ScaleEntry(None if text == "*" else text, values, entry)


def _factors(node: Node, what: str, findings: Findings) -> tuple[float, ...]:
    """Return one factor, or the knots of a gradient; empty after an error."""
    if not isinstance(node, Sequence):
        factor = as_factor(node, what, findings)
        return () if factor is None else (factor,)
    factors = [as_factor(item, what, findings) for item in node.items()]
    if not factors:
        findings.error("scale", "an empty list has no effect", node.place)
    return tuple([f for f in factors if f is not None]) if None not in factors else ()


def _as_list(mapping: Mapping) -> Change | None:
    """Return the change that makes a single entry a list with brackets."""
    span = mapping.span
    if span is None:
        return None
    return Change((insertion(span.start, "["), insertion(span.end, "]")), is_safe=True)
