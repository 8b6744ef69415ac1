"""From one dialect to another."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from engine.errors import shown
from engine.plan.dialects import comma_list, exllamav3, mergekit, rys
from engine.plan.dialects.layers import Layers

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
}

NAMES = (MERGEKIT, *_DIALECTS)
"""By which a user calls them; plans in YAML are `mergekit`."""


def guessed(text: str) -> str:
    """The dialect that a text is in, by first sight."""
    line = text.strip()
    if line.startswith("("):
        return "rys"
    if re.fullmatch(r"[\d.,\s]+", line) and ".." in line:
        return "exllamav3"
    return "list" if re.fullmatch(r"\[?[\d,\s]+\]?", line) else MERGEKIT


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
