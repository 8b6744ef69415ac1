"""Read nodes as values: text, numbers, model references. Problems are collected."""

import difflib
import math
from collections.abc import Collection
from functools import lru_cache

from engine.errors import shown
from engine.plan.model import Position
from engine.plan.problems import Change, Problem, Severity, insertion, replaced
from engine.plan.syntax.nodes import Mapping, Node, Scalar, Sequence
from engine.plan.syntax.tree import constructed

BEYOND_COUNTING = 2**31
"""No whole number of a plan is that large."""


class Findings(list[Problem]):
    """The problems found while reading one text."""

    def error(self, rule: str, message: str, place: Position, fix: str = "", change: Change | None = None) -> None:
        self.append(Problem(rule, Severity.ERROR, message, place, fix, change))

    def warning(self, rule: str, message: str, place: Position, fix: str = "", change: Change | None = None) -> None:
        self.append(Problem(rule, Severity.WARNING, message, place, fix, change))

    def note(self, rule: str, message: str, place: Position, fix: str = "", change: Change | None = None) -> None:
        self.append(Problem(rule, Severity.NOTE, message, place, fix, change))


def check_keys(mapping: Mapping, known: Collection[str], where: str, found: Findings) -> None:
    """Names keys nobody reads. One that resembles a known key is an error: the plan would not mean what it says."""
    for name in mapping.entries:
        if name not in known and not mapping.is_holder(name):
            _refuse_key(mapping.key(name), known, where, found)
    for key in mapping.hidden:
        if key.text in known:
            line = mapping.place_of(key.text).line
            message = f"`{key.text}` is given again on line {line}, and the last one counts"
            found.warning("repeated-key", message, key.place, "Take out the one that is not meant.")


def _refuse_key(key: Scalar, known: Collection[str], where: str, found: Findings) -> None:
    nearest = difflib.get_close_matches(key.text, known, n=1, cutoff=0.75)
    if nearest:
        change = replaced(key.span, nearest[0], is_safe=True)
        message = f"`{shown(key.text)}` is not a key of {where}"
        found.error("unknown-key", message, key.place, f"Did you mean `{nearest[0]}`?", change)
    else:
        message = f"`{shown(key.text)}` is not a key of {where} and is ignored"
        found.warning("unknown-key", message, key.place, f"Known keys: {', '.join(known)}.")


def as_mapping(node: Node, what: str, found: Findings) -> Mapping | None:
    if isinstance(node, Mapping):
        return node
    found.error("shape", f"{what} must be a mapping, not {kind(node)}", node.place)
    return None


def as_sequence(node: Node, what: str, found: Findings) -> Sequence | None:
    if isinstance(node, Sequence):
        return node
    found.error("shape", f"{what} must be a list, not {kind(node)}", node.place)
    return None


def as_text(node: Node, what: str, found: Findings) -> str | None:
    """Text; a bare number or date counts as what was written."""
    if isinstance(node, Scalar) and not node.is_null and node.text.strip():
        return node.text
    found.error("shape", f"{what} must be text, not {kind(node)}", node.place)
    return None


def as_whole_number(node: Node, what: str, found: Findings) -> int | None:
    """An int; `4.0` and `"4"` are taken as mergekit takes them."""
    number = _number(node)
    if number is not None and number.is_integer() and abs(number) < BEYOND_COUNTING:
        return int(number)
    found.error("layer-range", f"{what} must be a whole number, not {kind(node)}", node.place)
    return None


def as_factor(node: Node, what: str, found: Findings) -> float | None:
    """A finite number; numeric text is taken as mergekit takes it."""
    number = _number(node)
    if number is None:
        found.error("scale", f"{what} must be a number, not {kind(node)}", node.place)
    return number


def kind(node: Node) -> str:
    """What a node is, for a message."""
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
    """The finite number that YAML reads in a scalar of that tag, or that its text is."""
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


def read_model(node: Node, found: Findings, what: str = "`model`") -> str | None:
    """A model reference: text, or mergekit's mapping form. None when it is none; what is wrong is among the
    findings."""
    if isinstance(node, Scalar):
        reference = as_text(node, what, found)
        if reference and "+" in reference.rpartition("/")[2]:
            _refuse_lora(node, found)
            return None
        return reference
    mapping = as_mapping(node, what, found)
    if mapping is None:
        return None
    if "path" in mapping.entries and "model" not in mapping.entries:
        message = "mergekit wants `{model: {path: ...}}` here, and refuses the plan"
        found.warning("model-form", message, mapping.place, "Put `model:` around it.", _as_inner(mapping))
        return _read_path(mapping, found)
    return _read_mapping(mapping, what, found)


def _read_mapping(mapping: Mapping, what: str, found: Findings) -> str | None:
    check_keys(mapping, MODEL_KEYS, "a model", found)
    lora, override, inner = (mapping.given(key) for key in ("lora", "override_architecture", "model"))
    if lora is not None:
        _refuse_lora(lora, found)
        return None
    if override is not None:
        message = "`override_architecture` has no effect: dlec tells layers by their tensors' names"
        found.note("no-effect", message, mapping.place_of("override_architecture"))
    if inner is None:
        found.error("shape", f"{what} has no `model`", mapping.place)
        return None
    return _read_path(inner, found) if isinstance(inner, Mapping) else as_text(inner, what, found)


def _read_path(mapping: Mapping, found: Findings) -> str | None:
    check_keys(mapping, PATH_KEYS, "a model", found)
    path, revision = mapping.get("path"), mapping.given("revision")
    if path is None:
        found.error("shape", "this model has no `path`", mapping.place)
        return None
    text = as_text(path, "`path`", found)
    if text is None or revision is None:
        return text
    wanted = as_text(revision, "`revision`", found)
    return wanted and f"{text}@{shown(wanted)}"


def _as_inner(mapping: Mapping) -> Change | None:
    """Makes it the value of `model`, where that is a matter of brackets."""
    span = mapping.span
    if span is None:
        return None
    return Change((insertion(span.start, "{model: "), insertion(span.end, "}")), is_safe=True)


def _refuse_lora(node: Node, found: Findings) -> None:
    found.error(
        "lora", "adapters cannot be stacked as they are", node.place, "Merge the LoRA into its base first (peft)."
    )
