"""Reads nodes as the values a plan wants, collecting what does not fit instead of stopping."""

import difflib
import math
from collections.abc import Collection

from engine.errors import shown
from engine.plan.model import Place
from engine.plan.problems import Problem, Severity
from engine.plan.syntax.nodes import Mapping, Node, Scalar, Sequence


class Findings(list[Problem]):
    """The problems found while reading one text."""

    def error(self, rule: str, message: str, place: Place, fix: str = "") -> None:
        self.append(Problem(rule, Severity.ERROR, message, place, fix))

    def warning(self, rule: str, message: str, place: Place, fix: str = "") -> None:
        self.append(Problem(rule, Severity.WARNING, message, place, fix))


def check_keys(mapping: Mapping, known: Collection[str], where: str, found: Findings) -> None:
    """Names keys nobody reads. One that resembles a known key is an error: the plan would not mean what it says."""
    for entry in mapping.entries:
        if entry.key in known or entry.is_shared:
            continue
        nearest = difflib.get_close_matches(entry.key, known, n=1, cutoff=0.75)
        if nearest:
            message = f"`{shown(entry.key)}` is not a key of {where}"
            found.error("unknown-key", message, entry.key_place, f"Did you mean `{nearest[0]}`?")
        else:
            message = f"`{shown(entry.key)}` is not a key of {where} and is ignored"
            found.warning("unknown-key", message, entry.key_place, f"Known keys: {', '.join(known)}.")


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
    if isinstance(node, Scalar) and node.value is not None and node.text.strip():
        return node.text
    found.error("shape", f"{what} must be text, not {kind(node)}", node.place)
    return None


def as_whole_number(node: Node, what: str, found: Findings) -> int | None:
    """An int; `4.0` and `"4"` are taken as mergekit takes them."""
    number = _number(node)
    if number is not None and number.is_integer():
        return int(number)
    found.error("layer-range", f"{what} must be a whole number, not {kind(node)}", node.place)
    return None


def as_factor(node: Node, found: Findings) -> float | None:
    """A finite number; numeric text is taken as mergekit takes it."""
    number = _number(node)
    if number is not None:
        return number
    found.error("scale", f"a scale must be a number, not {kind(node)}", node.place)
    return None


def kind(node: Node) -> str:
    """What a node is, for a message."""
    match node:
        case Mapping():
            return "a mapping"
        case Sequence():
            return "a list"
        case Scalar(value=None):
            return "nothing"
        case Scalar():
            return f"`{shown(node.text)}`"


def _number(node: Node) -> float | None:
    if not isinstance(node, Scalar) or isinstance(node.value, bool):
        return None
    try:
        number = float(node.value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
