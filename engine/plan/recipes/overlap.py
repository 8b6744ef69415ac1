"""overlap: slices that each start some layers before the end of the one before.

In froggeric's manual search three numbers mattered: the size of the slices, their overlap, and the size of the last
slice. The size of the first slice did not matter: it takes the remainder. At 32 layers the defaults are the best plan
of that search, WestLake-10.7B-v2: [0, 9] [5, 14] [10, 19] [15, 24] [20, 32].
Source: the model card of froggeric/WestLake-10.7B-v2 and the discussion under it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import UsageError
from engine.plan.recipes.blocks import Block
from engine.plan.recipes.text import SliceText, layers_in_words, plan_text

TUNED_DEPTH, TUNED_SLICE, TUNED_JUMP, TUNED_LAST = 32, 9, 4, 12
"""Shape of the best plan, and the depth of its model."""


@dataclass(frozen=True, slots=True)
class Options:
    """Shape of the overlap, in layers."""

    slice_size: Annotated[int | None, "Layers per slice (default: 9 of 32)."] = None
    backward_jump: Annotated[
        int | None, "Number of layers by which each slice overlaps the one before (default: 4 of 32)."
    ] = None
    last_slice: Annotated[int | None, "Layers in the last slice (default: 12 of 32)."] = None


@dataclass(frozen=True, slots=True)
class Shape:
    """Shape of overlapping slices, in layers."""

    size: int
    """Size of the slices between the first and the last."""
    jump: int
    """Overlap of a slice with the one before."""
    last: int
    """Size of the last slice."""


def write(checkpoint: Checkpoint, options: Options) -> str:
    """Return the plan's text. Raises UsageError for slices that do not overlap inside the model."""
    layers = checkpoint.layer_count
    shape = _shape(layers, options)
    blocks = overlapping(checkpoint, shape)
    grown = sum(end - start for start, end in blocks)
    title = [
        f"Overlapping slices of {checkpoint.reference}: {layers} layers become {grown}.",
        f"Slices of {shape.size} layers that overlap by {shape.jump}; the last has {shape.last}.",
    ]
    return plan_text(title, checkpoint.reference, overlap_slices(blocks))


def overlapping(checkpoint: Checkpoint, shape: Shape) -> list[Block]:
    """Return all layers of the checkpoint in overlapping slices, laid out from the last slice down.

    Raises UsageError if the shape does not fit.
    """
    layers, step = checkpoint.layer_count, shape.size - shape.jump
    _require_room(checkpoint, shape)
    last_start = layers - shape.last
    below = last_start + shape.jump
    regular = max(1, round((below - shape.jump) / step))
    ends = [below - step * number for number in reversed(range(regular))]
    return [
        *((max(0, end - shape.size) if number else 0, end) for number, end in enumerate(ends)),
        (last_start, layers),
    ]


def overlap_slices(blocks: Sequence[Block]) -> Iterator[SliceText]:
    """Yield the slices, each with a comment about what it repeats."""
    before = 0
    for start, end in blocks:
        repeated = f"; {layers_in_words(start, before)} again" if start < before else ""
        yield SliceText(start, end, f"{layers_in_words(start, end)}{repeated}")
        before = end


def _shape(layers: int, options: Options) -> Shape:
    jump = max(1, layers * TUNED_JUMP // TUNED_DEPTH) if options.backward_jump is None else options.backward_jump
    size = max(2, layers * TUNED_SLICE // TUNED_DEPTH) if options.slice_size is None else options.slice_size
    last = max(2, layers * TUNED_LAST // TUNED_DEPTH) if options.last_slice is None else options.last_slice
    return Shape(size, jump, last)


def _require_room(checkpoint: Checkpoint, shape: Shape) -> None:
    layers = checkpoint.layer_count
    if not 1 <= shape.jump < min(shape.size, shape.last) or max(shape.size, shape.last) > layers:
        raise UsageError(
            f"slices of {shape.size} layers, the last of {shape.last}, cannot overlap by {shape.jump}",
            why=f"{checkpoint.reference} has {layers} layers, and the overlap must be smaller than either slice",
            fix=f"Use slices of 2 to {layers} layers and a backward jump of at least 1, smaller than either.",
        )
