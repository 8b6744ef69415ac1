"""RYS blocks: `(i,j)` repeats layers i to j-1 right after themselves: 0..j-1, then i..N-1.

Several blocks apply in order: after layer j-1 of each block the path goes back to its i. `(0,0)` is the unchanged
model.
"""

import re
from itertools import pairwise

from engine.errors import shown
from engine.plan.layer_formats.layers import Layers, checked, number, refused, runs, without_count

UNCHANGED = "(0,0)"
_BLOCK = re.compile(r"\(\s*([^\s,()]+)\s*,\s*([^\s,()]+)\s*\)\s*[,;+]?\s*")


def read(text: str, layer_count: int | None) -> Layers:
    """Return the layers of a path. Raises PlanError."""
    blocks = _blocks(text.strip())
    if layer_count is None:
        raise without_count(f"`{shown(text.strip())}`")
    layers: list[int] = []
    start = 0
    for again, end in [] if blocks == [(0, 0)] else blocks:
        if not (start < end <= layer_count and again < end):
            why = f"after layer {start} of {layer_count} it goes up to {end} and back to {again}"
            raise refused(f"the block `({again},{end})`", why, "Use i < j, and a j above the i of the block before.")
        layers.extend(range(start, end))
        start = again
    return checked([*layers, *range(start, layer_count)], layer_count)


def write(layers: Layers, layer_count: int | None) -> str:
    """Return the blocks. Raises PlanError for a sequence that blocks cannot express."""
    if layer_count is None:
        raise without_count("a sequence of layers")
    pieces = runs(layers)
    if pieces[0][0] != 0 or pieces[-1][1] != layer_count:
        why = f"it runs from layer {layers[0]} to {layers[-1]}, but blocks always run from 0 to {layer_count - 1}"
        raise refused("this sequence", why)
    blocks = []
    for (_, end), (again, _) in pairwise(pieces):
        if again >= end:
            raise refused("this sequence", f"it leaves out layers {end} to {again - 1}, but blocks only repeat")
        blocks.append(f"({again},{end})")
    return " ".join(blocks) or UNCHANGED


def _blocks(text: str) -> list[tuple[int, int]]:
    blocks, at = [], 0
    while at < len(text):
        match = _BLOCK.match(text, at)
        if match is None:
            raise refused(f"`{shown(text[at:])}`", "a block is two numbers in parentheses", "Write (45,52).")
        blocks.append((number(match[1], "layer"), number(match[2], "layer")))
        at = match.end()
    if not blocks:
        raise refused("an empty text", "it has no block", f"Write {UNCHANGED} for the unchanged model.")
    return blocks
