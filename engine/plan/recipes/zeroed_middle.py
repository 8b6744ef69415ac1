"""zeroed-middle: a block of layers, then inert copies of the whole block, to be trained.

At 56 layers the default is BA-Zephyria-39b, the base of Tunguska-39B: [0, 41], twice [19, 41] zeroed, [41, 56]: 100
layers. (Its author counted the layers as 0 to 54, wrote [41, 55], and so lost the last: 99.)
Source: TheSkullery/BA-Zephyria-39b and TheDrummer's write-up of Tunguska-39B.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from engine.checkpoint.checkpoint import Checkpoint
from engine.plan.recipes.blocks import Block, require_block, require_copies, tunguskas_block
from engine.plan.recipes.scales import silencing
from engine.plan.recipes.text import SliceText, inert_plan_text, layers_in_words


@dataclass(frozen=True, slots=True)
class Options:
    """What to copy, and how often."""

    layers: Block | None = None
    """The block to copy, END exclusive; default: as Tunguska's base (19:41 of 56)."""
    copies: int = 2
    """How many inert copies of the block."""


def write(checkpoint: Checkpoint, options: Options) -> str:
    """The plan's text. Raises UsageError for a block that is not there, CheckpointError for a family whose copies
    would not be inert."""
    layers = checkpoint.layer_count
    block = options.layers or tunguskas_block(layers)
    require_block(checkpoint, block)
    require_copies(options.copies)
    start, end = block
    grown = layers + (end - start) * options.copies
    title = [
        f"Inert copies of {layers_in_words(start, end)} of {checkpoint.reference}: {layers} layers become {grown}.",
        "They add nothing until they are trained.",
    ]
    return inert_plan_text(title, checkpoint, _slices(checkpoint, block, options.copies))


def _slices(checkpoint: Checkpoint, block: Block, copies: int) -> Iterator[SliceText]:
    layers, (start, end) = checkpoint.layer_count, block
    yield SliceText(0, end, f"up to and with the block: {layers_in_words(0, end)}")
    zeroed = silencing(checkpoint, block)
    for _ in range(copies):
        yield SliceText(start, end, f"inert copies of {layers_in_words(start, end)}", zeroed)
    if end < layers:
        yield SliceText(end, layers, layers_in_words(end, layers))
