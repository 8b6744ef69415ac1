"""Formats of other tools for a sequence of layers: detect, read, write.

All of them express less than a plan: a sequence of layers of one model.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from engine.errors import UsageError, shown
from engine.plan.layer_formats import exllamav3, mergekit, ranges, rys
from engine.plan.layer_formats.layers import Layers

MERGEKIT = "mergekit"
_LONGEST_ORIGIN = 60
"""Maximum number of characters of the origin in a plan's first line."""


@dataclass(frozen=True, slots=True)
class _Format:
    """Reader and writer of one format. The layer count is None if the model is unknown."""

    read: Callable[[str, int | None], Layers]
    write: Callable[[Layers, int | None], str]


_FORMATS = {
    "exllamav3": _Format(exllamav3.read, exllamav3.write),
    "rys": _Format(rys.read, rys.write),
    "list": _Format(ranges.read_list, ranges.write_list),
    "exllamav2": _Format(ranges.read_pairs, ranges.write_pairs),
    "llama.cpp": _Format(ranges.read_dashes, ranges.write_dashes),
    "python": _Format(ranges.read_slices, ranges.write_slices),
    "map": _Format(ranges.read_map, ranges.write_map),
}

NAMES = (MERGEKIT, *_FORMATS)
"""Names for users; plans in YAML are `mergekit`."""


_FORMS = {
    r"\[\s*[(\[].*[)\]]\s*,?\s*\]": "exllamav2",
    r"\(.*": "rys",
    r"\{\s*['\"]?\d.*\}": "map",
    r"(?=.*\.\.)[\d.,\s]+": "exllamav3",
    r"\[?[\d,\s]+\]?": "list",
    r"(?=.*\d-)[\d,*.\s-]+": "llama.cpp",
    r"(?=.*:)[\d,:\s]+": "python",
}
"""Pattern of a text in each format; the first match applies."""
_SEVERAL_TUPLES = re.compile(r"\([^()]*\)\s*,\s*\([^()]*\).*", re.DOTALL)


def guessed(text: str) -> str:
    """Return the format of a text. Raises UsageError for an ambiguous text."""
    line = text.strip()
    if _SEVERAL_TUPLES.fullmatch(line):
        raise UsageError(
            f"`{shown(line)}` is ambiguous",
            why="exllamav2 reads consecutive ranges, RYS reads blocks to repeat",
            fix="Use --from exllamav2 or --from rys.",
        )
    forms = (format_ for form, format_ in _FORMS.items() if re.fullmatch(form, line, re.DOTALL))
    return next(forms, MERGEKIT)


def doubts(layers: Layers, format_: str, layer_count: int | None) -> str:
    """Return a warning about ranges that may be meant as inclusive; "" if nothing suggests it.

    A last end that equals the number of the last layer often means to include that layer.
    """
    is_open = format_ in ("exllamav2", "python") and layer_count is not None and max(layers) == layer_count - 2
    if not is_open:
        return ""
    return f"ends are read as exclusive, so layer {max(layers) + 1}, the model's last one, is not used"


def read(text: str, format_: str, layer_count: int | None) -> Layers:
    """Return the layers of a text; `layer_count` of the model if known. Raises PlanError."""
    if format_ == MERGEKIT:
        return mergekit.layers_of(mergekit.plan_of(text), layer_count)
    return _FORMATS[format_].read(text, layer_count)


def write(layers: Layers, format_: str, layer_count: int | None, model: str = "", origin: str = "") -> str:
    """Return layers in a format, without a final line break. Raises PlanError if the format cannot express them.

    `model` and `origin`, the text that the layers were read from, are for a plan.
    """
    if format_ == MERGEKIT:
        return mergekit.write(layers, model, shown(origin.strip())[:_LONGEST_ORIGIN]).rstrip("\n")
    return _FORMATS[format_].write(layers, layer_count)
