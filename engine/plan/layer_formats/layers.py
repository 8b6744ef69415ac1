"""What all dialects speak of: the numbers of a model's layers, in the order in which they are visited."""

import re
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from engine.errors import PlanError, shown

Layers: TypeAlias = tuple[int, ...]
Run: TypeAlias = tuple[int, int]
"""[start, end) of layers that follow each other upwards."""

MOST_LAYERS = 10_000
"""Of a whole sequence; no model has as many."""


def number(text: str, what: str) -> int:
    """Raises PlanError when `text` is no layer's number."""
    if re.fullmatch(r"\d{1,6}", text, re.ASCII) is None:
        raise refused(f"{what} `{shown(text)}`", "a layer is a whole number, counted from 0")
    return int(text)


def checked(layers: Sequence[int], layer_count: int | None) -> Layers:
    """`layers`, when there are some, not too many, and all lie inside the model. Raises PlanError.

    layer_count: of the model; None where it is not known.
    """
    if not layers:
        raise refused("this sequence", "it has no layer at all")
    if len(layers) > MOST_LAYERS:
        raise refused("this sequence", f"it has {len(layers):,} layers, and at most {MOST_LAYERS:,} are taken")
    highest = max(layers)
    if layer_count is not None and highest >= layer_count:
        raise refused(f"layer {highest}", f"the model has {layer_count} layers, 0 to {layer_count - 1}")
    return tuple(layers)


def runs(layers: Iterable[int]) -> list[Run]:
    """The longest pieces that count upwards."""
    found: list[Run] = []
    for layer in layers:
        if found and found[-1][1] == layer:
            found[-1] = (found[-1][0], layer + 1)
        else:
            found.append((layer, layer + 1))
    return found


def refused(what: str, why: str, fix: str = "") -> PlanError:
    return PlanError(f"{what} cannot be converted", why=why, fix=fix)


def without_count(what: str) -> PlanError:
    """The error for a text that means nothing unless the number of layers is known."""
    return refused(what, "how many layers the model has decides what it means", "Name the model: --model MODEL.")
