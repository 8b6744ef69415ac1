"""overlap: a grid over slice size, backward jump and last slice, which froggeric searched manually.

Every shape of overlapping slices that fits the model is a plan; shapes with the same slices are merged. By default the
grid spans 0.5 to 1.5 times the best shape for WestLake-10.7B, scaled to the model's depth.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import UsageError
from engine.plan.recipes.blocks import Block
from engine.plan.recipes.overlap import TUNED_DEPTH, TUNED_JUMP, TUNED_LAST, TUNED_SLICE, Shape, overlapping
from engine.plan.recipes.text import plan_text
from engine.plan.spaces import SweptPlan, in_name, in_title, repeats_scaled, require_plans, require_scale

_REACH = 0.5
"""Relative range of the default grid around the tuned values."""
_STEPS = 5
"""Maximum number of values per parameter in the default grid."""


@dataclass(frozen=True, slots=True)
class Options:
    """Grid in layers; an empty parameter is chosen by the model's depth."""

    slice_sizes: tuple[int, ...] = ()
    backward_jumps: tuple[int, ...] = ()
    last_slices: tuple[int, ...] = ()
    scales: tuple[float, ...] = (1.0,)
    """Factors on repeated visits; each shape is combined with each factor."""


def plans(checkpoint: Checkpoint, options: Options) -> tuple[SweptPlan, ...]:
    """Return the plans. Raises UsageError if no shape fits, CheckpointError for a family that cannot be scaled."""
    return require_plans(
        _plans(checkpoint, options),
        why=f"no such shape fits the {checkpoint.layer_count} layers of {checkpoint.reference}",
        fix="Use slices no larger than the model, and jumps smaller than the slices.",
    )


def _plans(checkpoint: Checkpoint, options: Options) -> Iterator[SweptPlan]:
    seen = set()
    for shape in _shapes(checkpoint.layer_count, options):
        blocks = _laid_out(checkpoint, shape)
        if blocks and blocks not in seen:
            seen.add(blocks)
            yield from (_plan(checkpoint, shape, blocks, scale) for scale in dict.fromkeys(options.scales))


def _shapes(layers: int, options: Options) -> Iterator[Shape]:
    sizes = options.slice_sizes or _around(layers * TUNED_SLICE / TUNED_DEPTH, least=2)
    jumps = options.backward_jumps or _around(layers * TUNED_JUMP / TUNED_DEPTH, least=1)
    lasts = options.last_slices or _around(layers * TUNED_LAST / TUNED_DEPTH, least=2)
    return (Shape(size, jump, last) for size, jump, last in product(sizes, jumps, lasts))


def _around(tuned: float, least: int) -> Sequence[int]:
    """Return integers around `tuned`, evenly spaced."""
    low, high = tuned * (1 - _REACH), tuned * (1 + _REACH)
    values = (round(low + (high - low) * step / (_STEPS - 1)) for step in range(_STEPS))
    return list(dict.fromkeys(max(least, value) for value in values))


def _laid_out(checkpoint: Checkpoint, shape: Shape) -> tuple[Block, ...]:
    """Return the slices; empty if the shape does not fit."""
    try:
        return tuple(overlapping(checkpoint, shape))
    except UsageError:
        return ()


def _plan(checkpoint: Checkpoint, shape: Shape, blocks: Sequence[Block], scale: float) -> SweptPlan:
    require_scale(scale)
    layers, grown = checkpoint.layer_count, sum(end - start for start, end in blocks)
    title = [
        f"Overlapping slices of {checkpoint.reference}: {layers} layers become {grown}.",
        f"Slices of {shape.size} layers that overlap by {shape.jump}; the last has {shape.last}.",
        *in_title(scale),
    ]
    slices = repeats_scaled(checkpoint, blocks, scale)
    name = f"slice={shape.size} jump={shape.jump} last={shape.last}{in_name(scale)}"
    return SweptPlan(name, plan_text(title, checkpoint.reference, slices), None, scale)
