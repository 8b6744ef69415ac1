"""prune: the model without some of its layers, to be healed by training.

Which ones, in the order of what they cost to know: the deepest but for the last, a rule that needs no measurement and
does nearly as well after healing; the block that turns the residual stream least, by angular distance; the single
layers with the lowest block influence. What a pruned model says before healing tells little about either.
Source: Gromov et al., arXiv 2403.17887 (angular distance, the simple rule); ShortGPT, arXiv 2403.03853 (influence).
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import UsageError
from engine.plan.recipes.blocks import Block, require_block
from engine.plan.recipes.text import SliceText, layers_in_words, plan_text


@dataclass(frozen=True, slots=True)
class Options:
    """What to leave out."""

    layers: int | None = None
    """How many layers to drop; default: a quarter."""
    protect_first: int = 2
    """Layers at the bottom that are kept."""
    protect_last: int = 1
    """Layers at the top that are kept."""
    drop: tuple[Block, ...] = ()
    """Drop these blocks instead, END exclusive, whoever chose them; default: the deepest that are not protected."""


def write(checkpoint: Checkpoint, options: Options, reason: Sequence[str] = ()) -> str:
    """The plan's text; `reason` says why these layers, a line each. Raises UsageError when nothing would be left."""
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
    """The deepest layers that are not protected. Raises UsageError when there are too few."""
    return candidate_blocks(checkpoint, options)[-1]


def flattest(checkpoint: Checkpoint, options: Options, angles: Mapping[Block, float]) -> Block:
    """The block with the smallest angular distance. Raises UsageError when there are too few layers."""
    return min(candidate_blocks(checkpoint, options), key=lambda block: (_or_worst(angles[block]), block))


def least_influential(checkpoint: Checkpoint, options: Options, influences: Sequence[float]) -> tuple[Block, ...]:
    """The single layers with the lowest block influence, as blocks; `influences` has one for each layer.

    Raises UsageError when there are too few layers.
    """
    blocks = candidate_blocks(checkpoint, options)
    candidates = range(blocks[0][0], blocks[-1][1])
    ranked = sorted(candidates, key=lambda layer: (_or_worst(influences[layer]), layer))
    return tuple(runs(sorted(ranked[: _wanted(checkpoint, options)])))


def candidate_blocks(checkpoint: Checkpoint, options: Options) -> list[Block]:
    """Every block of as many layers as are to go between the protected ends, the deepest last.

    Raises UsageError when there is none.
    """
    layers, wanted = checkpoint.layer_count, _wanted(checkpoint, options)
    first, last = max(0, options.protect_first), layers - max(0, options.protect_last)
    if not 1 <= wanted <= last - first or wanted == layers:
        raise UsageError(
            f"{wanted} layers cannot be dropped",
            why=f"between the protected ends of {layers} layers there are {max(0, last - first)}",
            fix="Drop fewer, protect fewer, or name the blocks.",
        )
    return [(start, start + wanted) for start in range(first, last - wanted + 1)]


def runs(layers: Sequence[int]) -> Iterator[Block]:
    """Ascending layers as blocks of consecutive ones."""
    for _, numbered in groupby(enumerate(layers), key=lambda pair: pair[1] - pair[0]):
        run = [layer for _, layer in numbered]
        yield run[0], run[-1] + 1


def _wanted(checkpoint: Checkpoint, options: Options) -> int:
    return max(1, checkpoint.layer_count // 4) if options.layers is None else options.layers


def _or_worst(figure: float) -> float:
    """A figure that is undefined is nobody's reason to drop a layer."""
    return math.inf if math.isnan(figure) else figure
