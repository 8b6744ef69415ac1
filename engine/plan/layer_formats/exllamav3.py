"""exllamav3's layer maps, and llm-circuit-finder's paths: `0..15,11..31`.

Numbers and ranges, separated by commas. Both ends of a range are included, a higher first number counts downwards, and
an end that is left out is that of the model: `..15`, `11..`.
"""

import re
from collections.abc import Sequence

from engine.errors import shown
from engine.plan.layer_formats.layers import MOST_LAYERS, Layers, checked, number, refused, runs, without_count

_RANGE = re.compile(r"(\S*?)\s*\.\.\s*(\S*)")


def read(text: str, layer_count: int | None) -> Layers:
    """The layers of a map. Raises PlanError."""
    layers: list[int] = []
    for item in text.split(","):
        layers.extend(_item(item.strip(), layer_count))
        if len(layers) > MOST_LAYERS:
            break
    return checked(layers, layer_count)


def write(layers: Layers, layer_count: int | None) -> str:  # noqa: ARG001 (dialects share a signature)
    """The map with every end written out."""
    return ",".join(f"{start}..{end - 1}" if end - start > 1 else f"{start}" for start, end in runs(layers))


def _item(item: str, layer_count: int | None) -> Sequence[int]:
    if not item:
        raise refused("an empty item", "between two commas stands a layer or a range")
    ends = _RANGE.fullmatch(item)
    if ends is None:
        return [number(item, "item")]
    if layer_count is None and "" in ends.groups():
        raise without_count(f"`{shown(item)}`")
    first = number(ends[1], "layer") if ends[1] else 0
    last = number(ends[2], "layer") if ends[2] else (layer_count or 1) - 1
    return range(first, last + 1) if first <= last else range(first, last - 1, -1)
