"""Read nodes as values: text, numbers, model references, scales. Problems are collected."""

import difflib
import math
from collections.abc import Collection
from functools import lru_cache

from engine.errors import shown
from engine.plan.model import Position, ScaleEntry, ScaleLevel
from engine.plan.problems import Change, Problem, Severity, insertion, replaced
from engine.plan.syntax.nodes import Mapping, Node, Scalar, Sequence
from engine.plan.syntax.tree import constructed

BEYOND_COUNTING = 2**31
"""Limit of whole numbers in a plan."""


class Findings(list[Problem]):
    """Problems of one text, collected while reading."""

    def error(self, rule: str, message: str, place: Position, fix: str = "", change: Change | None = None) -> None:
        self.append(Problem(rule, Severity.ERROR, message, place, fix, change))

    def warning(self, rule: str, message: str, place: Position, fix: str = "", change: Change | None = None) -> None:
        self.append(Problem(rule, Severity.WARNING, message, place, fix, change))

    def note(self, rule: str, message: str, place: Position, fix: str = "", change: Change | None = None) -> None:
        self.append(Problem(rule, Severity.NOTE, message, place, fix, change))


def check_keys(mapping: Mapping, known: Collection[str], where: str, findings: Findings) -> None:
    """Report unknown keys. One that resembles a known key is an error, because it is probably a typo."""
    for name in mapping.entries:
        if name not in known and not mapping.is_holder(name):
            _refuse_key(mapping.key(name), known, where, findings)
    for key in mapping.hidden:
        if key.text in known:
            line = mapping.place_of(key.text).line
            message = f"`{key.text}` is repeated on line {line}, and the last one applies"
            findings.warning("repeated-key", message, key.place, "Remove one of them.")


def _refuse_key(key: Scalar, known: Collection[str], where: str, findings: Findings) -> None:
    nearest = difflib.get_close_matches(key.text, known, n=1, cutoff=0.75)
    if nearest:
        change = replaced(key.span, nearest[0], is_safe=True)
        message = f"`{shown(key.text)}` is not a key of {where}"
        findings.error("unknown-key", message, key.place, f"Did you mean `{nearest[0]}`?", change)
    else:
        message = f"`{shown(key.text)}` is not a key of {where} and is ignored"
        findings.warning("unknown-key", message, key.place, f"Known keys: {', '.join(known)}.")


def as_mapping(node: Node, what: str, findings: Findings) -> Mapping | None:
    if isinstance(node, Mapping):
        return node
    findings.error("shape", f"{what} must be a mapping, not {kind(node)}", node.place)
    return None


def as_sequence(node: Node, what: str, findings: Findings) -> Sequence | None:
    if isinstance(node, Sequence):
        return node
    findings.error("shape", f"{what} must be a list, not {kind(node)}", node.place)
    return None


def as_text(node: Node, what: str, findings: Findings) -> str | None:
    """Return text; a bare number or date as written."""
    text = node.text if isinstance(node, Scalar) and not node.is_null else ""
    if text.strip():
        return text
    findings.error("shape", f"{what} must be text, not {kind(node)}", node.place)
    return None


def as_whole_number(node: Node, what: str, findings: Findings) -> int | None:
    """Return an int; `4.0` and `"4"` are 4, as in mergekit."""
    number = _number(node)
    if number is not None and number.is_integer() and abs(number) < BEYOND_COUNTING:
        return int(number)
    findings.error("layer-range", f"{what} must be a whole number, not {kind(node)}", node.place)
    return None


def as_factor(node: Node, what: str, findings: Findings) -> float | None:
    """Return a finite number, also from numeric text, as in mergekit."""
    number = _number(node)
    if number is None:
        findings.error("scale", f"{what} must be a number, not {kind(node)}", node.place)
    return number


def kind(node: Node) -> str:
    """Return a description of a node for a message."""
    match node:
        case Mapping():
            return "a mapping"
        case Sequence():
            return "a list"
        case Scalar(is_null=True):
            return "nothing"
        case Scalar():
            return f"`{shown(node.text)}`"


def _number(node: Node) -> float | None:
    return _number_in(node.tag, node.text) if isinstance(node, Scalar) else None


@lru_cache(maxsize=4096)
def _number_in(tag: str, text: str) -> float | None:
    """Return the finite number of a scalar with that tag, or of its text."""
    value = constructed(tag, text)
    if isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


# References to models: a path or a hub id, with a revision, or mergekit's mapping form


MODEL_KEYS = ("model", "lora", "override_architecture")
PATH_KEYS = ("path", "revision")


def read_model(node: Node, findings: Findings, what: str = "`model`") -> str | None:
    """Read a model reference: text, or mergekit's mapping form. None if it is invalid, with an error."""
    if isinstance(node, Scalar):
        reference = as_text(node, what, findings)
        if reference and "+" in reference.rpartition("/")[2]:
            _refuse_lora(node, findings)
            return None
        return reference
    mapping = as_mapping(node, what, findings)
    if mapping is None:
        return None
    if "path" in mapping.entries and "model" not in mapping.entries:
        message = "mergekit requires `{model: {path: ...}}` here and rejects the plan"
        findings.warning("model-form", message, mapping.place, "Wrap it in `model:`.", _as_inner(mapping))
        return _read_path(mapping, findings)
    return _read_mapping(mapping, what, findings)


def _read_mapping(mapping: Mapping, what: str, findings: Findings) -> str | None:
    check_keys(mapping, MODEL_KEYS, "a model", findings)
    lora, override, inner = (mapping.given(key) for key in ("lora", "override_architecture", "model"))
    if lora is not None:
        _refuse_lora(lora, findings)
        return None
    if override is not None:
        message = "`override_architecture` has no effect: dlec identifies layers by tensor names"
        findings.note("no-effect", message, mapping.place_of("override_architecture"))
    if inner is None:
        findings.error("shape", f"{what} has no `model`", mapping.place)
        return None
    return _read_path(inner, findings) if isinstance(inner, Mapping) else as_text(inner, what, findings)


def _read_path(mapping: Mapping, findings: Findings) -> str | None:
    check_keys(mapping, PATH_KEYS, "a model", findings)
    path, revision = mapping.get("path"), mapping.given("revision")
    if path is None:
        findings.error("shape", "this model has no `path`", mapping.place)
        return None
    text = as_text(path, "`path`", findings)
    if text is None or revision is None:
        return text
    name = as_text(revision, "`revision`", findings)
    return name and f"{text}@{shown(name)}"


def _as_inner(mapping: Mapping) -> Change | None:
    """Return the change that makes it the value of `model` with brackets."""
    span = mapping.span
    if span is None:
        return None
    return Change((insertion(span.start, "{model: "), insertion(span.end, "}")), is_safe=True)


def _refuse_lora(node: Node, findings: Findings) -> None:
    findings.error("lora", "an adapter cannot be stacked", node.place, "Merge the LoRA into its base first (peft).")


# `parameters: {scale: ...}` in mergekit's forms: factor, gradient, filtered list. `linear` uses them for `weight`.


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
    if Mapping in map(type, items):
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
