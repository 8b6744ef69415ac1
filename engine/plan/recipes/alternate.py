"""alternate: overlapping slices taken in turn from two models.

Goliath-120b's shape: at 80 layers slices of 16, each 8 back, from the one and the other. (Goliath's own begin one layer
later from the third on: 137 layers instead of 144.) The first model gives config and tokenizer; both must have been
made from the same base, or their layers do not understand each other.
Source: alpindale/goliath-120b.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import UsageError
from engine.plan.recipes.blocks import Block
from engine.plan.recipes.overlap import Shape, overlapping
from engine.plan.recipes.text import SliceText, layers_in_words, plan_text


@dataclass(frozen=True, slots=True)
class Options:
    """With whom, and the shape of the slices in layers."""

    other: Checkpoint
    """The second model, as deep as the first and made from the same base."""
    slice_size: int | None = None
    """Layers in a slice; default: 16 of 80."""
    backward_jump: int | None = None
    """How many layers before the end of one slice the next begins; default: half a slice."""


def write(checkpoint: Checkpoint, options: Options) -> str:
    """The plan's text. Raises UsageError for models of different depth and slices that do not overlap."""
    layers, other = checkpoint.layer_count, options.other
    if other.layer_count != layers:
        raise UsageError(
            "the two models cannot take turns",
            why=f"{checkpoint.reference} has {layers} layers, {other.reference} {other.layer_count}",
            fix="Give two models made from the same base.",
        )
    size = max(2, layers // 5) if options.slice_size is None else options.slice_size
    jump = size // 2 if options.backward_jump is None else options.backward_jump
    blocks = overlapping(checkpoint, Shape(size, jump, last=size))
    grown = sum(end - start for start, end in blocks)
    title = [
        f"{checkpoint.reference} and {other.reference} in turn: {layers} layers become {grown}.",
        f"Slices of {size}, each {jump} back from the end of the one before.",
    ]
    return plan_text(title, checkpoint.reference, _slices(blocks, (checkpoint, other)))


def _slices(blocks: Sequence[Block], models: Sequence[Checkpoint]) -> Iterator[SliceText]:
    for number, block in enumerate(blocks):
        model = models[number % len(models)]
        yield SliceText(*block, layers_in_words(*block), model=model.reference)
