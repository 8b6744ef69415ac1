"""zeroed-middle: inert copies of a block of layers after the block, for training.

At 56 layers the default is BA-Zephyria-39b, the base of Tunguska-39B: [0, 41], [19, 41] twice with zeroed residual
writers, [41, 56]: 100 layers. (The original ends with [41, 55] and lost the last layer: 99.)
Source: TheSkullery/BA-Zephyria-39b and TheDrummer's write-up of Tunguska-39B.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from engine.checkpoint.checkpoint import Checkpoint
from engine.plan.recipes.blocks import Block, require_block, require_copies, tunguskas_block, zeroing
from engine.plan.recipes.text import SliceText, inert_plan_text, layers_in_words


@dataclass(frozen=True, slots=True)
class Options:
    """Block to copy, and number of copies."""

    layers: Annotated[Block | None, "Block to copy, END exclusive (default: that of Tunguska's base, 19:41 of 56)."] = (
        None
    )
    copies: Annotated[int, "Number of inert copies of the block."] = 2


def write(checkpoint: Checkpoint, options: Options) -> str:
    """Return the plan's text.

    Raises UsageError for a block outside the model, CheckpointError for a family whose copies would not be inert.
    """
    layers = checkpoint.layer_count
    block = options.layers or tunguskas_block(layers)
    require_block(checkpoint, block)
    require_copies(options.copies)
    start, end = block
    grown = layers + (end - start) * options.copies
    title = [
        f"Inert copies of {layers_in_words(start, end)} of {checkpoint.reference}: {layers} layers become {grown}.",
        "The copies have no effect until they are trained.",
    ]
    return inert_plan_text(title, checkpoint, _slices(checkpoint, block, options.copies))


def _slices(checkpoint: Checkpoint, block: Block, copies: int) -> Iterator[SliceText]:
    layers, (start, end) = checkpoint.layer_count, block
    yield SliceText(0, end, f"{layers_in_words(0, end)}, including the block")
    zeroed = zeroing(checkpoint, block)
    for _ in range(copies):
        yield SliceText(start, end, f"inert copies of {layers_in_words(start, end)}", zeroed)
    if end < layers:
        yield SliceText(end, layers, layers_in_words(end, layers))
