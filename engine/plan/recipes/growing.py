"""growing: overlapping slices, each larger than the one before.

Layers matter more towards the end, so slices of 4, 5, 6, 7, 8, 9 and 10 layers may beat equal ones. Each slice starts
halfway into the one before, so that no layer occurs more than twice; the last slice takes the rest and is the largest.
Source: the discussion under froggeric/WestLake-10.7B-v2; no measurement is published.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import UsageError
from engine.plan.recipes.blocks import Block
from engine.plan.recipes.overlap import overlap_slices
from engine.plan.recipes.text import plan_text


@dataclass(frozen=True, slots=True)
class Options:
    """Growth of the slices."""

    first_slice: Annotated[int | None, "Layers in the first slice (default: 4 of 32)."] = None
    growth: Annotated[int, "Number of layers by which each slice is larger than the one before."] = 1
    backward_jump: Annotated[
        int | None, "Number of layers by which each slice overlaps the one before (default: half of that slice)."
    ] = None


def write(checkpoint: Checkpoint, options: Options) -> str:
    """Return the plan's text. Raises UsageError for slices that do not grow or do not overlap inside the model."""
    layers = checkpoint.layer_count
    first = max(2, layers // 8) if options.first_slice is None else options.first_slice
    _require_room(checkpoint, options, first)
    blocks = list(_growing(layers, first, options))
    grown = sum(end - start for start, end in blocks)
    sizes = ", ".join(str(end - start) for start, end in blocks)
    title = [
        f"Growing slices of {checkpoint.reference}: {layers} layers become {grown}.",
        f"Slices of {sizes} layers; the last takes the rest.",
    ]
    return plan_text(title, checkpoint.reference, overlap_slices(blocks))


def _growing(layers: int, first: int, options: Options) -> Iterator[Block]:
    start, size = 0, first
    while (after := _after(start, size, options))[1] <= layers:
        yield start, start + size
        start, size = after[0], after[1] - after[0]
    yield start, layers


def _after(start: int, size: int, options: Options) -> Block:
    """Return the slice after one of `size` layers that begins at `start`."""
    jump = size // 2 if options.backward_jump is None else options.backward_jump
    begin = start + size - jump
    return begin, begin + size + options.growth


def _require_room(checkpoint: Checkpoint, options: Options, first: int) -> None:
    layers, jump = checkpoint.layer_count, options.backward_jump
    may_grow = options.growth >= 1 and first >= 2 and (jump is None or 1 <= jump < first)
    if not may_grow or _after(0, first, options)[1] > layers:
        raise UsageError(
            f"slices that begin with {first} layers cannot grow by {options.growth} "
            f"and overlap by {'half a slice' if jump is None else jump}",
            why=f"{checkpoint.reference} has {layers} layers, and a jump must be shorter than the first slice",
            fix="Use a first slice of 2 layers or more, a growth of 1 or more, and a jump of 1 or more.",
        )
