"""Mapping from each new layer to its source layer: `{0: 0, 1: 1, 2: 1, 3: 2}`."""

import re

from engine.errors import shown
from engine.plan.layer_formats.layers import Layers, checked, number, refused

_SHOWN_NUMBERS = 3


def read(text: str, layer_count: int | None) -> Layers:
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


def write(layers: Layers, layer_count: int | None) -> str:  # noqa: ARG001 (formats share a signature)
    return f"{{{', '.join(f'{new}: {old}' for new, old in enumerate(layers))}}}"
