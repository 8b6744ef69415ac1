"""interleave: after each layer of a block, inert or damped copies of that same layer.

What Tunguska's author proposed next: the copies stand beside their originals instead of in a block of their own. With
the default scale of 0 the model computes what its base does until the copies are trained; with another one the copies
add that share of what they write into the residual stream.
Source: TheDrummer's write-up of Tunguska-39B (which writes it with closed ranges: see the rule closed-range).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from engine.checkpoint.checkpoint import Checkpoint
from engine.plan.recipes.blocks import Block, require_block, require_copies, tunguskas_block
from engine.plan.recipes.scales import writer_scales
from engine.plan.recipes.text import SliceText, inert_plan_text, layers_in_words, plan_text


@dataclass(frozen=True, slots=True)
class Options:
    """What to copy, how often, and how loud."""

    layers: Block | None = None
    """The layers to copy, END exclusive; default: as Tunguska's base (19:41 of 56)."""
    copies: int = 2
    """How many copies of each layer."""
    scale: float = 0.0
    """Factor on what the copies write into the residual stream; 0 makes them inert."""


def promises_inertness(options: Options) -> bool:
    """Whether the new model is to compute what its base does."""
    return options.scale == 0


def write(checkpoint: Checkpoint, options: Options) -> str:
    """The plan's text. Raises UsageError for layers that are not there, CheckpointError for a family whose residual
    writers are not known."""
    layers = checkpoint.layer_count
    block = options.layers or tunguskas_block(layers)
    require_block(checkpoint, block)
    require_copies(options.copies)
    start, end = block
    grown = layers + (end - start) * options.copies
    title = [
        f"Copies beside each of {layers_in_words(start, end)} of {checkpoint.reference}: "
        f"{layers} layers become {grown}.",
        *(["They add nothing until they are trained."] if promises_inertness(options) else []),
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
