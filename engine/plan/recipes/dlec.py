"""dlec: the block whose repetition degrades the model least, within a budget of layers.

In order: the ends are protected; every contiguous block that uses up the budget is a candidate; the second-pass
residual (the best cheap predictor of the cost of duplicating a block) ranks them into a shortlist; the shortlist is
measured; the least harmful block is proposed. Each layer is visited at most twice.

Sets of single layers are not candidates: six single layers with the lowest residual cost many times more than the best
block of six (measured on SmolLM2), because a cheap metric does not show how repeated layers add up. A plan with the
best single layers is written next to the proposal for comparison.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import UsageError
from engine.plan.recipes.blocks import Block as Block
from engine.plan.recipes.text import SliceText, layers_in_words, plan_text


@dataclass(frozen=True, slots=True)
class Options:
    """Budget, and where to spend it."""

    layers: Annotated[int, "Number of layers to add."]
    protect_first: Annotated[int, "Number of bottom layers that are not repeated."] = 2
    protect_last: Annotated[int, "Number of top layers that are not repeated."] = 1
    shortlist: Annotated[int, "Number of candidates to measure."] = 6


def candidate_blocks(layer_count: int, options: Options) -> list[Block]:
    """Return every block with the budget's length between the protected ends.

    Raises UsageError if there is no such block, or the shortlist is empty.
    """
    if options.shortlist < 1:
        raise UsageError(f"a shortlist of {options.shortlist} proposes nothing", fix="Measure 1 candidate or more.")
    first, last = max(0, options.protect_first), layer_count - max(0, options.protect_last)
    blocks = [(start, start + options.layers) for start in range(first, last - options.layers + 1)]
    if options.layers < 1 or not blocks:
        raise UsageError(
            f"{options.layers} layers cannot be added",
            why=f"only {max(0, last - first)} of {layer_count} layers are not protected, each repeated at most once",
            fix=f"Use a budget of 1 to {max(0, last - first)} layers.",
        )
    return blocks


def candidate_singles(layer_count: int, options: Options) -> list[Block]:
    """Return every single layer between the protected ends, as a block."""
    return [
        (layer, layer + 1) for layer in range(max(0, options.protect_first), layer_count - max(0, options.protect_last))
    ]


def shortlisted(residuals: Mapping[Block, float], candidates: Sequence[Block], size: int) -> list[Block]:
    """Return the candidates with the lowest second-pass residual, best first."""
    return sorted(candidates, key=lambda block: (residuals[block], block))[:size]


def write(checkpoint: Checkpoint, blocks: Sequence[Block], reason: Sequence[str]) -> str:
    """Return the plan that repeats each of these disjoint blocks right after itself.

    `reason`: lines for the head of the plan.
    """
    layers = checkpoint.layer_count
    ordered = sorted(blocks)
    added = sum(end - start for start, end in ordered)
    words = ", ".join(layers_in_words(*block) for block in ordered)
    title = [f"Repeats {words} of {checkpoint.reference}: {layers} layers become {layers + added}.", *reason]
    return plan_text(title, checkpoint.reference, _slices(layers, ordered))


def _slices(layers: int, blocks: Sequence[Block]) -> Iterator[SliceText]:
    start = 0
    for block in blocks:
        yield SliceText(start, block[1], _comment(start, block))
        start = block[0]
    last = blocks[-1]
    rest = ", then the rest" if last[1] < layers else ""
    yield SliceText(start, layers, f"{layers_in_words(*last)} again{rest}")


def _comment(start: int, block: Block) -> str:
    return f"{layers_in_words(start, block[1])}; the last {block[1] - block[0]} are repeated"
