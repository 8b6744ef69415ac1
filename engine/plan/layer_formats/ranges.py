"""Layers and ranges of layers, separated by commas, in five formats.

list        0,1,2,3,2,3         single layers, optionally in brackets
map         {0: 0, 1: 1, 2: 1}  new layer to source layer
exllamav2   [(0,20),(10,30)]    end exclusive
llama.cpp   0-5,7,8-12          end inclusive
python      0:16,8:32           end exclusive; :16 and 8: are open
"""

import re
from collections.abc import Iterable, Sequence

from engine.errors import shown
from engine.plan.layer_formats.layers import MAX_LAYERS, Layers, checked, number, refused, runs, without_count

_PAIR = re.compile(r"[(\[]\s*([^\s,()\[\]]+)\s*,\s*([^\s,()\[\]]+)\s*[)\]]\s*(?:,\s*|$)")


def read_pairs(text: str, layer_count: int | None) -> Layers:
    """Return the layers of exllamav2's pairs. Raises PlanError."""
    inner = text.strip()
    if inner.startswith("[") and inner.endswith("]") and not _PAIR.fullmatch(inner):
        inner = inner[1:-1].strip()
    return _together((_upwards(range(*pair), str(pair)) for pair in _pairs(inner)), layer_count)


def write_pairs(layers: Layers, layer_count: int | None) -> str:  # noqa: ARG001 (formats share a signature)
    return f"[{', '.join(f'({start}, {end})' for start, end in runs(layers))}]"


def read_dashes(text: str, layer_count: int | None) -> Layers:
    """Return the layers of llama.cpp's ranges. Raises PlanError, also for its scales: 0-5*0.5."""
    if "*" in text:
        raise refused(f"`{shown(text.strip())}`", "it scales layers", "Write the scales into a plan; see mergekit.")
    return _together((_dashed(item.strip()) for item in text.split(",")), layer_count)


def write_dashes(layers: Layers, layer_count: int | None) -> str:  # noqa: ARG001 (formats share a signature)
    return ",".join(f"{start}-{end - 1}" if end - start > 1 else f"{start}" for start, end in runs(layers))


def read_slices(text: str, layer_count: int | None) -> Layers:
    """Return the layers of Python slices. Raises PlanError."""
    return _together((_sliced(item.strip(), layer_count) for item in text.split(",")), layer_count)


def write_slices(layers: Layers, layer_count: int | None) -> str:  # noqa: ARG001 (formats share a signature)
    return ",".join(f"{start}:{end}" for start, end in runs(layers))


def _pairs(text: str) -> list[tuple[int, int]]:
    pairs, at = [], 0
    while at < len(text):
        match = _PAIR.match(text, at)
        if match is None:
            raise refused(f"`{shown(text[at:])}`", "a range is a pair of numbers", "Write [(0,20),(10,30)].")
        pairs.append((number(match[1], "layer"), number(match[2], "layer")))
        at = match.end()
    return pairs


def _dashed(item: str) -> Sequence[int]:
    first, dash, last = item.partition("-")
    start = number(first.strip(), "layer")
    end = number(last.strip(), "layer") + 1 if dash else start + 1
    return _upwards(range(start, end), item)


def _sliced(item: str, layer_count: int | None) -> Sequence[int]:
    first, colon, last = item.partition(":")
    if not colon:
        start = number(item, "item")
        return range(start, start + 1)
    if not last.strip() and layer_count is None:
        raise without_count(f"`{shown(item)}`")
    start = number(first.strip(), "layer") if first.strip() else 0
    return _upwards(range(start, number(last.strip(), "layer") if last.strip() else layer_count or 0), item)


def _upwards(layers: range, item: str) -> range:
    if not layers:
        raise refused(f"`{shown(item)}`", "it holds no layer: the second number has to be higher")
    return layers


def _together(parts: Iterable[Sequence[int]], layer_count: int | None) -> Layers:
    layers: list[int] = []
    for part in parts:
        layers.extend(part)
        if len(layers) > MAX_LAYERS:
            break
    return checked(layers, layer_count)


def read_list(text: str, layer_count: int | None) -> Layers:
    """Return the layers of a list. Raises PlanError."""
    inner = text.strip()
    if inner.startswith("[") and inner.endswith("]"):
        inner = inner[1:-1]
    return checked([number(item.strip(), "item") for item in inner.split(",")], layer_count)


def write_list(layers: Layers, layer_count: int | None) -> str:  # noqa: ARG001 (formats share a signature)
    return ",".join(map(str, layers))


_SHOWN_NUMBERS = 3


def read_map(text: str, layer_count: int | None) -> Layers:
    """Return the layers of a mapping, in the order of the new model. Raises PlanError."""
    inner = text.strip()
    if not (inner.startswith("{") and inner.endswith("}")):
        raise refused(f"`{shown(inner)}`", "a mapping needs braces", "Write {0: 0, 1: 1, 2: 1}.")
    copied: dict[int, int] = {}
    for item in re.split(r",(?!\s*$)", inner[1:-1].rstrip().removesuffix(",")):
        new, _, old = item.partition(":")
        position = number(new.strip().strip("'\""), "new layer")
        if position in copied:
            raise refused(f"new layer {position}", "it occurs twice in the mapping")
        copied[position] = number(old.strip().strip("'\""), "layer")
    if missing := sorted(set(range(len(copied))) - copied.keys()):
        listed = ", ".join(map(str, missing[:_SHOWN_NUMBERS]))
        why = f"it has {len(copied)} entries, and none for new layer {listed}"
        raise refused("this mapping", why, "Write new layers 0, 1, 2, ... on the left of the colons, each once.")
    return checked([copied[position] for position in range(len(copied))], layer_count)


def write_map(layers: Layers, layer_count: int | None) -> str:  # noqa: ARG001 (formats share a signature)
    return f"{{{', '.join(f'{new}: {old}' for new, old in enumerate(layers))}}}"
