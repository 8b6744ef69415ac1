"""overlap: slices that each begin some layers before the last one ended.

Three figures decide, found froggeric in a hand search: the size of the slices, how far each jumps back, and the size of
the last slice. The size of the first does not matter: it takes what is left over. At 32 layers the defaults are the
winner of that search, WestLake-10.7B-v2: [0, 9] [5, 14] [10, 19] [15, 24] [20, 32].
Source: the model card of froggeric/WestLake-10.7B-v2 and the discussion under it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import UsageError
from engine.plan.recipes.blocks import Block
from engine.plan.recipes.text import SliceText, layers_in_words, plan_text

TUNED_DEPTH, TUNED_SLICE, TUNED_JUMP, TUNED_LAST = 32, 9, 4, 12
"""The winner's figures, and the layers of the model that they were found on."""


@dataclass(frozen=True, slots=True)
class Options:
    """The shape of the overlap, in layers."""

    slice_size: int | None = None
    """Layers in a slice; default: 9 of 32."""
    backward_jump: int | None = None
    """How many layers before the end of one slice the next begins; default: 4 of 32."""
    last_slice: int | None = None
    """Layers in the last slice; default: 12 of 32."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What overlapping slices look like, in layers."""

    size: int
    """Of every slice between the first and the last."""
    jump: int
    """Back from the end of one to the start of the next."""
    last: int
    """Size of the last slice."""


def write(checkpoint: Checkpoint, options: Options) -> str:
    """The plan's text. Raises UsageError for slices that do not overlap inside the model."""
    layers = checkpoint.layer_count
    shape = _shape(layers, options)
    blocks = overlapping(checkpoint, shape)
    grown = sum(end - start for start, end in blocks)
    title = [
        f"Overlapping slices of {checkpoint.reference}: {layers} layers become {grown}.",
        f"Slices of {shape.size}, each {shape.jump} back from the end of the one before, the last of {shape.last}.",
    ]
    return plan_text(title, checkpoint.reference, overlap_slices(blocks))


def overlapping(checkpoint: Checkpoint, shape: Shape) -> list[Block]:
    """All of the checkpoint's layers in overlapping slices, laid out from the last one down.

    Raises UsageError when there is no room for that.
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
    """The slices' text, saying of each what it repeats."""
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
            f"slices of {shape.size}, {shape.jump} back each, the last of {shape.last}, do not overlap as they should",
            why=f"{checkpoint.reference} has {layers} layers, and a jump must be shorter than the slices it joins",
            fix=f"Give slices of 2 to {layers} layers and a backward jump of 1 or more, smaller than either.",
        )
