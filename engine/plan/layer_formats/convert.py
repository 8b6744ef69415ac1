"""From one dialect to another."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from engine.errors import UsageError, shown
from engine.plan.layer_formats import comma_list, exllamav3, mapping, mergekit, ranges, rys
from engine.plan.layer_formats.layers import Layers

MERGEKIT = "mergekit"
_LONGEST_ORIGIN = 60
"""Characters of a text that a plan's first line repeats."""


@dataclass(frozen=True, slots=True)
class _Dialect:
    """How a tool writes a sequence of layers; None for the layer count: the model is not known."""

    read: Callable[[str, int | None], Layers]
    write: Callable[[Layers, int | None], str]


_DIALECTS = {
    "exllamav3": _Dialect(exllamav3.read, exllamav3.write),
    "rys": _Dialect(rys.read, rys.write),
    "list": _Dialect(comma_list.read, comma_list.write),
    "exllamav2": _Dialect(ranges.read_pairs, ranges.write_pairs),
    "llama.cpp": _Dialect(ranges.read_dashes, ranges.write_dashes),
    "python": _Dialect(ranges.read_slices, ranges.write_slices),
    "map": _Dialect(mapping.read, mapping.write),
}

NAMES = (MERGEKIT, *_DIALECTS)
"""By which a user calls them; plans in YAML are `mergekit`."""


_FORMS = {
    r"\[\s*[(\[].*[)\]]\s*,?\s*\]": "exllamav2",
    r"\(.*": "rys",
    r"\{\s*['\"]?\d.*\}": "map",
    r"(?=.*\.\.)[\d.,\s]+": "exllamav3",
    r"\[?[\d,\s]+\]?": "list",
    r"(?=.*\d-)[\d,*.\s-]+": "llama.cpp",
    r"(?=.*:)[\d,:\s]+": "python",
}
"""What a text looks like in each dialect, the first that fits."""
_SEVERAL_TUPLES = re.compile(r"\([^()]*\)\s*,\s*\([^()]*\).*", re.DOTALL)


def guessed(text: str) -> str:
    """The dialect that a text looks like. Raises UsageError for one that means something else in each of two."""
    line = text.strip()
    if _SEVERAL_TUPLES.fullmatch(line):
        raise UsageError(
            f"`{shown(line)}` has two meanings",
            why="for exllamav2 these are ranges that follow each other, for RYS blocks to visit once more",
            fix="Say which: --from exllamav2 or --from rys.",
        )
    forms = (dialect for form, dialect in _FORMS.items() if re.fullmatch(form, line, re.DOTALL))
    return next(forms, MERGEKIT)


def doubts(layers: Layers, dialect: str, layer_count: int | None) -> str:
    """What a reader may have meant otherwise; "" where nothing suggests it.

    Ranges whose last end is the number of the last layer are often meant with that layer.
    """
    is_open = dialect in ("exllamav2", "python") and layer_count is not None and max(layers) == layer_count - 2
    if not is_open:
        return ""
    return f"read with the end of each range left out, so layer {max(layers) + 1}, the model's last one, is not visited"


def read(text: str, dialect: str, layer_count: int | None) -> Layers:
    """The layers that `text` says; layer_count: of the model, where it is known. Raises PlanError."""
    if dialect == MERGEKIT:
        return mergekit.layers_of(mergekit.plan_of(text), layer_count)
    return _DIALECTS[dialect].read(text, layer_count)


def write(layers: Layers, dialect: str, layer_count: int | None, model: str = "", origin: str = "") -> str:
    """`layers` in a dialect, without a line end. Raises PlanError where it cannot say them.

    For a plan: the model that it names, and the text that its layers were read from.
    """
    if dialect == MERGEKIT:
        return mergekit.write(layers, model, shown(origin.strip())[:_LONGEST_ORIGIN]).rstrip("\n")
    return _DIALECTS[dialect].write(layers, layer_count)
