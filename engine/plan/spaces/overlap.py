"""overlap: the grid over slice size, backward jump and last slice that froggeric searched by hand.

Every shape of overlapping slices that fits the model is a plan; shapes that lay out the same slices are one. Without
figures the grid reaches from half to one and a half times what won on WestLake-10.7B, scaled to the model's depth.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import UsageError
from engine.plan.recipes.blocks import Block
from engine.plan.recipes.overlap import TUNED_DEPTH, TUNED_JUMP, TUNED_LAST, TUNED_SLICE, Shape, overlapping
from engine.plan.recipes.text import plan_text
from engine.plan.spaces.swept import SweptPlan, in_name, in_title, repeats_scaled, require_plans, require_scale

_REACH = 0.5
"""Of the grid without figures, around the tuned ones."""
_STEPS = 5
"""Values of each figure in that grid, at most."""


@dataclass(frozen=True, slots=True)
class Options:
    """The grid, in layers; an empty side of it is chosen by the model's depth."""

    slice_sizes: tuple[int, ...] = ()
    backward_jumps: tuple[int, ...] = ()
    last_slices: tuple[int, ...] = ()
    scales: tuple[float, ...] = (1.0,)
    """Factors on what is visited again; each shape is tried with each."""


def plans(checkpoint: Checkpoint, options: Options) -> tuple[SweptPlan, ...]:
    """Raises UsageError when no shape fits the model, CheckpointError for a family that cannot be scaled."""
    return require_plans(
        _plans(checkpoint, options),
        why=f"no such slices overlap as they should in the {checkpoint.layer_count} layers of {checkpoint.reference}",
        fix="Give slices no larger than the model, and jumps smaller than the slices that they join.",
    )


def _plans(checkpoint: Checkpoint, options: Options) -> Iterator[SweptPlan]:
    told = set()
    for shape in _shapes(checkpoint.layer_count, options):
        blocks = _laid_out(checkpoint, shape)
        if blocks and blocks not in told:
            told.add(blocks)
            yield from (_plan(checkpoint, shape, blocks, scale) for scale in dict.fromkeys(options.scales))


def _shapes(layers: int, options: Options) -> Iterator[Shape]:
    sizes = options.slice_sizes or _around(layers * TUNED_SLICE / TUNED_DEPTH, least=2)
    jumps = options.backward_jumps or _around(layers * TUNED_JUMP / TUNED_DEPTH, least=1)
    lasts = options.last_slices or _around(layers * TUNED_LAST / TUNED_DEPTH, least=2)
    return (Shape(size, jump, last) for size, jump, last in product(sizes, jumps, lasts))


def _around(tuned: float, least: int) -> Sequence[int]:
    """Whole numbers about `tuned`, evenly spread."""
    low, high = tuned * (1 - _REACH), tuned * (1 + _REACH)
    values = (round(low + (high - low) * step / (_STEPS - 1)) for step in range(_STEPS))
    return list(dict.fromkeys(max(least, value) for value in values))


def _laid_out(checkpoint: Checkpoint, shape: Shape) -> tuple[Block, ...]:
    """The slices; none where the shape does not fit."""
    try:
        return tuple(overlapping(checkpoint, shape))
    except UsageError:
        return ()


def _plan(checkpoint: Checkpoint, shape: Shape, blocks: Sequence[Block], scale: float) -> SweptPlan:
    require_scale(scale)
    layers, grown = checkpoint.layer_count, sum(end - start for start, end in blocks)
    title = [
        f"Overlapping slices of {checkpoint.reference}: {layers} layers become {grown}.",
        f"Slices of {shape.size}, each {shape.jump} back from the end of the one before, the last of {shape.last}.",
        *in_title(scale),
    ]
    slices = repeats_scaled(checkpoint, blocks, scale)
    name = f"slice={shape.size} jump={shape.jump} last={shape.last}{in_name(scale)}"
    return SweptPlan(name, plan_text(title, checkpoint.reference, slices), None, scale)
