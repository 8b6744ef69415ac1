"""alternate: overlapping slices, alternating between two models.

The shape of Goliath-120b: at 80 layers slices of 16 that overlap by 8. (Goliath's own slices start one layer later from
the third on: 137 layers instead of 144.) The first model gives config and tokenizer; both models must come from the
same base, because their layers must share a representation.
Source: alpindale/goliath-120b.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import UsageError
from engine.plan.recipes.blocks import Block
from engine.plan.recipes.overlap import Shape, overlapping
from engine.plan.recipes.text import SliceText, layers_in_words, plan_text


@dataclass(frozen=True, slots=True)
class Options:
    """Second model, and the shape of the slices in layers."""

    other: Annotated[Checkpoint, "Second model, with the same depth and made from the same base."]
    slice_size: Annotated[int | None, "Layers per slice (default: 16 of 80)."] = None
    backward_jump: Annotated[
        int | None, "Number of layers by which each slice overlaps the one before (default: half a slice)."
    ] = None


def write(checkpoint: Checkpoint, options: Options) -> str:
    """Return the plan's text. Raises UsageError for models of different depth and slices that do not overlap."""
    layers, other = checkpoint.layer_count, options.other
    if other.layer_count != layers:
        raise UsageError(
            "the two models cannot alternate",
            why=f"{checkpoint.reference} has {layers} layers, {other.reference} {other.layer_count}",
            fix="Use two models made from the same base.",
        )
    size = max(2, layers // 5) if options.slice_size is None else options.slice_size
    jump = size // 2 if options.backward_jump is None else options.backward_jump
    blocks = overlapping(checkpoint, Shape(size, jump, last=size))
    grown = sum(end - start for start, end in blocks)
    title = [
        f"{checkpoint.reference} and {other.reference} alternating: {layers} layers become {grown}.",
        f"Slices of {size} layers that overlap by {jump}.",
    ]
    return plan_text(title, checkpoint.reference, _slices(blocks, (checkpoint, other)))


def _slices(blocks: Sequence[Block], models: Sequence[Checkpoint]) -> Iterator[SliceText]:
    for number, block in enumerate(blocks):
        model = models[number % len(models)]
        yield SliceText(*block, layers_in_words(*block), model=model.reference)
