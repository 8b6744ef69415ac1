"""blocks: every contiguous block of layers up to a width, repeated right after itself.

At 30 layers and a width of 8 there are 212 plans per scale.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import UsageError
from engine.plan.recipes.blocks import Block
from engine.plan.recipes.text import layers_in_words, plan_text
from engine.plan.spaces import SweptPlan, in_name, in_title, repeats_scaled, require_scale

WIDTH = 8


@dataclass(frozen=True, slots=True)
class Options:
    """Blocks to repeat."""

    width: int = WIDTH
    """Layers in the longest block."""
    scales: tuple[float, ...] = (1.0,)
    """Factors on the repeated visit; each block is combined with each factor."""


def plans(checkpoint: Checkpoint, options: Options) -> tuple[SweptPlan, ...]:
    """Return the plans, shortest blocks first.

    Raises UsageError for an impossible width, CheckpointError for a family that cannot be scaled.
    """
    if not 1 <= options.width <= checkpoint.layer_count:
        raise UsageError(
            f"there are no blocks of {options.width} layers",
            why=f"{checkpoint.reference} has {checkpoint.layer_count} layers",
            fix=f"Use a width of 1 to {checkpoint.layer_count}.",
        )
    blocks = _blocks(checkpoint.layer_count, options.width)
    return tuple(repeated(checkpoint, block, scale) for block in blocks for scale in dict.fromkeys(options.scales))


def repeated(checkpoint: Checkpoint, block: Block, scale: float) -> SweptPlan:
    """Return the plan that repeats one block. Raises like `plans`."""
    require_scale(scale)
    layers, (start, end) = checkpoint.layer_count, block
    title = [
        f"Repeats {layers_in_words(*block)} of {checkpoint.reference}: {layers} layers become {layers + end - start}.",
        *in_title(scale),
    ]
    slices = repeats_scaled(checkpoint, [(0, end), (start, layers)], scale)
    return SweptPlan(f"{start}:{end}{in_name(scale)}", plan_text(title, checkpoint.reference, slices), block, scale)


def _blocks(layers: int, width: int) -> Iterator[Block]:
    for length in range(1, width + 1):
        for start in range(layers - length + 1):
            yield start, start + length
