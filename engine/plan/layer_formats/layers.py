"""Sequences of layers, common to all formats: layer numbers in the order of their visits."""

import re
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from engine.errors import PlanError, shown

Layers: TypeAlias = tuple[int, ...]
Run: TypeAlias = tuple[int, int]
"""Consecutive layers [start, end)."""

MAX_LAYERS = 10_000
"""Maximum length of a sequence."""


def number(text: str, what: str) -> int:
    """Return the layer number in a text. Raises PlanError."""
    if re.fullmatch(r"\d{1,6}", text, re.ASCII) is None:
        raise refused(f"{what} `{shown(text)}`", "a layer is a whole number, counted from 0")
    return int(text)


def checked(layers: Sequence[int], layer_count: int | None) -> Layers:
    """Return `layers` as a tuple. Raises PlanError for no layers, too many, or layers outside the model.

    `layer_count` of the model; None if unknown.
    """
    if not layers:
        raise refused("this sequence", "it has no layers")
    if len(layers) > MAX_LAYERS:
        raise refused("this sequence", f"it has {len(layers):,} layers, and the maximum is {MAX_LAYERS:,}")
    highest = max(layers)
    if layer_count is not None and highest >= layer_count:
        raise refused(f"layer {highest}", f"the model has {layer_count} layers, 0 to {layer_count - 1}")
    return tuple(layers)


def runs(layers: Iterable[int]) -> list[Run]:
    """Return the longest runs of consecutive layers."""
    pieces: list[Run] = []
    for layer in layers:
        if pieces and pieces[-1][1] == layer:
            pieces[-1] = (pieces[-1][0], layer + 1)
        else:
            pieces.append((layer, layer + 1))
    return pieces


def refused(what: str, why: str, fix: str = "") -> PlanError:
    return PlanError(f"{what} cannot be converted", why=why, fix=fix)


def without_count(what: str) -> PlanError:
    """Return the error for a text that requires the number of layers."""
    return refused(what, "its meaning depends on the number of layers", "Add --model MODEL.")
