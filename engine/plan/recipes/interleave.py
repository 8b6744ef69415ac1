"""interleave: inert or damped copies after each layer of a block.

The follow-up that Tunguska's author proposed: the copies follow their originals instead of forming a block of their
own. With the default scale of 0 the model computes the same as its base until the copies are trained; with another
scale the copies add that share of what they write into the residual stream.
Source: TheDrummer's write-up of Tunguska-39B (which uses inclusive ranges: see the rule closed-range).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from engine.checkpoint.checkpoint import Checkpoint
from engine.plan.recipes.blocks import Block, require_block, require_copies, tunguskas_block, writer_scales
from engine.plan.recipes.text import SliceText, inert_plan_text, layers_in_words, plan_text


@dataclass(frozen=True, slots=True)
class Options:
    """Layers to copy, number of copies, and their scale."""

    layers: Annotated[
        Block | None, "Layers to copy, END exclusive (default: those of Tunguska's base, 19:41 of 56)."
    ] = None
    copies: Annotated[int, "Number of copies of each layer."] = 2
    scale: Annotated[float, "Factor on what the copies write into the residual stream; 0 makes them inert."] = 0.0


def promises_inertness(options: Options) -> bool:
    """Return True if the new model should compute the same as its base."""
    return options.scale == 0


def write(checkpoint: Checkpoint, options: Options) -> str:
    """Return the plan's text.

    Raises UsageError for layers outside the model, CheckpointError for a family whose residual writers are unknown.
    """
    layers = checkpoint.layer_count
    block = options.layers or tunguskas_block(layers)
    require_block(checkpoint, block)
    require_copies(options.copies)
    start, end = block
    grown = layers + (end - start) * options.copies
    title = [
        f"Copies after each of {layers_in_words(start, end)} of {checkpoint.reference}: "
        f"{layers} layers become {grown}.",
        *(["The copies have no effect until they are trained."] if promises_inertness(options) else []),
    ]
    if promises_inertness(options):
        return inert_plan_text(title, checkpoint, _slices(checkpoint, block, options))
    return plan_text(title, checkpoint.reference, _slices(checkpoint, block, options))


def _slices(checkpoint: Checkpoint, block: Block, options: Options) -> Iterator[SliceText]:
    layers, (start, end) = checkpoint.layer_count, block
    kind = "inert" if promises_inertness(options) else "damped"
    if start:
        yield SliceText(0, start, layers_in_words(0, start))
    for layer in range(start, end):
        each = (layer, layer + 1)
        yield SliceText(*each, f"layer {layer}")
        scales = writer_scales(checkpoint, each, options.scale)
        for _ in range(options.copies):
            yield SliceText(*each, f"{kind} copy of layer {layer}", scales)
    if end < layers:
        yield SliceText(end, layers, layers_in_words(end, layers))
