"""dlec: repeat the layers that measurements say can be repeated, within a budget.

The rule, in order: the ends are protected; every contiguous block that uses up the budget is a candidate; the second-
pass residual (the best cheap predictor of what duplicating a block costs) makes a shortlist; the shortlist is measured;
the least harmful block is proposed. Each layer is visited at most twice.

Sums of single layers are not candidates: six single layers with the lowest residual cost many times what the best
block of six costs (measured on SmolLM2), because a cheap metric cannot see how repeated layers add up. Their plan is
written beside the proposal, so that the difference can be seen.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import UsageError
from engine.plan.recipes.blocks import Block as Block
from engine.plan.recipes.text import SliceText, layers_in_words, plan_text


@dataclass(frozen=True, slots=True)
class Options:
    """How much to add, and where not."""

    layers: int
    """The budget: how many layers the new model has more."""
    protect_first: int = 2
    """Layers at the bottom that stay as they are."""
    protect_last: int = 1
    """Layers at the top that stay as they are."""
    shortlist: int = 6
    """How many candidates are measured."""


def candidate_blocks(layer_count: int, options: Options) -> list[Block]:
    """Every block as long as the budget between the protected ends.

    Raises UsageError when there is none, or none is to be measured.
    """
    if options.shortlist < 1:
        raise UsageError(f"a shortlist of {options.shortlist} proposes nothing", fix="Measure 1 candidate or more.")
    first, last = max(0, options.protect_first), layer_count - max(0, options.protect_last)
    blocks = [(start, start + options.layers) for start in range(first, last - options.layers + 1)]
    if options.layers < 1 or not blocks:
        raise UsageError(
            f"{options.layers} layers cannot be added",
            why=f"between the protected ends of {layer_count} layers there are {max(0, last - first)}, "
            "each repeated at most once",
            fix=f"Give a budget of 1 to {max(0, last - first)} layers.",
        )
    return blocks


def candidate_singles(layer_count: int, options: Options) -> list[Block]:
    """Every single layer between the protected ends, as a block."""
    return [
        (layer, layer + 1) for layer in range(max(0, options.protect_first), layer_count - max(0, options.protect_last))
    ]


def shortlisted(residuals: Mapping[Block, float], candidates: Sequence[Block], size: int) -> list[Block]:
    """The candidates with the lowest second-pass residual, best first."""
    return sorted(candidates, key=lambda block: (residuals[block], block))[:size]


def write(checkpoint: Checkpoint, blocks: Sequence[Block], reason: Sequence[str]) -> str:
    """The plan that visits each of these disjoint blocks once more, right after itself.

    `reason` says why, a line each, and stands at the top of the plan.
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
    return f"{layers_in_words(start, block[1])}, the last {block[1] - block[0]} to be repeated"
