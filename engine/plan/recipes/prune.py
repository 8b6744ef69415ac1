"""prune: the model without some of its layers, for healing by training.

Choices of layers, cheapest first: the deepest layers before the last, which need no measurement and do nearly as well
after healing; the block with the smallest angular distance; the single layers with the lowest block influence. The
quality of a pruned model before healing says little about its quality after healing.
Source: Gromov et al., arXiv 2403.17887 (angular distance, the simple rule); ShortGPT, arXiv 2403.03853 (influence).
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Annotated

from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import UsageError
from engine.plan.recipes.blocks import Block, require_block
from engine.plan.recipes.text import SliceText, layers_in_words, plan_text


@dataclass(frozen=True, slots=True)
class Options:
    """Layers to remove."""

    layers: Annotated[int | None, "Number of layers to remove (default: a quarter)."] = None
    protect_first: Annotated[int, "Number of bottom layers that are kept."] = 2
    protect_last: Annotated[int, "Number of top layers that are kept."] = 1
    drop: Annotated[
        tuple[Block, ...],
        "Blocks to remove instead, END exclusive (default: the deepest layers that are not protected).",
    ] = ()


def write(checkpoint: Checkpoint, options: Options, reason: Sequence[str] = ()) -> str:
    """Return the plan's text with the lines of `reason`. Raises UsageError if no layer would be left."""
    layers = checkpoint.layer_count
    for block in options.drop:
        require_block(checkpoint, block)
    blocks = options.drop or (deepest(checkpoint, options),)
    dropped = {layer for block in blocks for layer in range(*block)}
    kept = [layer for layer in range(layers) if layer not in dropped]
    if not kept:
        raise UsageError(f"no layer of {checkpoint.reference} would be left", fix="Drop fewer layers.")
    words = ", ".join(layers_in_words(*block) for block in runs(sorted(dropped)))
    title = [f"Drops {words} of {checkpoint.reference}: {layers} layers become {len(kept)}.", *reason]
    return plan_text(title, checkpoint.reference, (SliceText(*run, layers_in_words(*run)) for run in runs(kept)))


def deepest(checkpoint: Checkpoint, options: Options) -> Block:
    """Return the deepest layers that are not protected. Raises UsageError if there are too few."""
    return candidate_blocks(checkpoint, options)[-1]


def flattest(checkpoint: Checkpoint, options: Options, angles: Mapping[Block, float]) -> Block:
    """Return the block with the smallest angular distance. Raises UsageError if there are too few layers."""
    return min(candidate_blocks(checkpoint, options), key=lambda block: (_or_worst(angles[block]), block))


def least_influential(checkpoint: Checkpoint, options: Options, influences: Sequence[float]) -> tuple[Block, ...]:
    """Return the single layers with the lowest block influence, as blocks; `influences` has one value per layer.

    Raises UsageError if there are too few layers.
    """
    blocks = candidate_blocks(checkpoint, options)
    candidates = range(blocks[0][0], blocks[-1][1])
    ranked = sorted(candidates, key=lambda layer: (_or_worst(influences[layer]), layer))
    return tuple(runs(sorted(ranked[: _drop_count(checkpoint, options)])))


def candidate_blocks(checkpoint: Checkpoint, options: Options) -> list[Block]:
    """Return every block of the number of layers to remove between the protected ends, the deepest last.

    Raises UsageError if there is no such block.
    """
    layers, count = checkpoint.layer_count, _drop_count(checkpoint, options)
    first, last = max(0, options.protect_first), layers - max(0, options.protect_last)
    if not 1 <= count <= last - first or count == layers:
        raise UsageError(
            f"{count} layers cannot be dropped",
            why=f"only {max(0, last - first)} of {layers} layers are not protected",
            fix="Drop fewer layers, protect fewer, or name the blocks.",
        )
    return [(start, start + count) for start in range(first, last - count + 1)]


def runs(layers: Sequence[int]) -> Iterator[Block]:
    """Yield ascending layers as blocks of consecutive layers."""
    for _, numbered in groupby(enumerate(layers), key=lambda pair: pair[1] - pair[0]):
        run = [layer for _, layer in numbered]
        yield run[0], run[-1] + 1


def _drop_count(checkpoint: Checkpoint, options: Options) -> int:
    return max(1, checkpoint.layer_count // 4) if options.layers is None else options.layers


def _or_worst(figure: float) -> float:
    """Rank an undefined value last."""
    return math.inf if math.isnan(figure) else figure
