"""exllamav3's layer maps and llm-circuit-finder's paths: `0..15,11..31`.

Comma-separated numbers and ranges. Ranges are inclusive, a higher first number counts down, and a missing end is that
of the model: `..15`, `11..`.
"""

import re
from collections.abc import Sequence

from engine.errors import shown
from engine.plan.layer_formats.layers import MAX_LAYERS, Layers, checked, number, refused, runs, without_count

_RANGE = re.compile(r"(\S*?)\s*\.\.\s*(\S*)")


def read(text: str, layer_count: int | None) -> Layers:
    """Return the layers of a map. Raises PlanError."""
    layers: list[int] = []
    for item in text.split(","):
        layers.extend(_item(item.strip(), layer_count))
        if len(layers) > MAX_LAYERS:
            break
    return checked(layers, layer_count)


def write(layers: Layers, layer_count: int | None) -> str:  # noqa: ARG001 (formats share a signature)
    """Return the map with every end written out."""
    return ",".join(f"{start}..{end - 1}" if end - start > 1 else f"{start}" for start, end in runs(layers))


def _item(item: str, layer_count: int | None) -> Sequence[int]:
    if not item:
        raise refused("an empty item", "a layer or a range is missing between two commas")
    ends = _RANGE.fullmatch(item)
    if ends is None:
        return [number(item, "item")]
    if layer_count is None and "" in ends.groups():
        raise without_count(f"`{shown(item)}`")
    first = number(ends[1], "layer") if ends[1] else 0
    last = number(ends[2], "layer") if ends[2] else (layer_count or 1) - 1
    return range(first, last + 1) if first <= last else range(first, last - 1, -1)
