"""double-each: every layer between the ends doubled in place.

Doubling every layer between 8 and n-8 of a 7B model in place gave improved, coherent output; runs of 4, 8 or 16 were
worse. Others measured the opposite: on MythoMax-L2-13B it raised perplexity more than overlapping slices. Preview it.
Source: the discussion under froggeric/WestLake-10.7B-v2; exllamav2 pull request 275 for the other view.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from engine.checkpoint.checkpoint import Checkpoint
from engine.plan.recipes.blocks import Block, middle, require_block, require_run, runs_of
from engine.plan.recipes.text import SliceText, layers_in_words, plan_text


@dataclass(frozen=True, slots=True)
class Options:
    """Layers to double."""

    layers: Annotated[
        Block | None, "Layers to double, END exclusive (default: all except a quarter at each end, 8:24 of 32)."
    ] = None
    run: Annotated[int, "Number of layers repeated together; 1 doubles every layer in place."] = 1


def write(checkpoint: Checkpoint, options: Options) -> str:
    """Return the plan's text. Raises UsageError for layers outside the model."""
    layers = checkpoint.layer_count
    block = options.layers or middle(layers)
    require_block(checkpoint, block)
    require_run(options.run)
    start, end = block
    title = [
        f"Doubles each of {layers_in_words(start, end)} of {checkpoint.reference}: "
        f"{layers} layers become {layers + end - start}.",
    ]
    return plan_text(title, checkpoint.reference, _slices(layers, block, options.run))


def _slices(layers: int, block: Block, run: int) -> Iterator[SliceText]:
    start, end = block
    if start:
        yield SliceText(0, start, f"{layers_in_words(0, start)}, once")
    for each in runs_of(block, run):
        yield SliceText(*each, layers_in_words(*each))
        yield SliceText(*each, f"{layers_in_words(*each)} again")
    if end < layers:
        yield SliceText(end, layers, f"{layers_in_words(end, layers)}, once")
