"""Blocks of layers that recipes repeat, scale or drop."""

from collections.abc import Iterator
from typing import TypeAlias

from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import UsageError

Block: TypeAlias = tuple[int, int]
"""Layers [start, end)."""


def require_block(checkpoint: Checkpoint, block: Block) -> None:
    """Raise UsageError if the block is empty or outside the checkpoint."""
    start, end = block
    layers = checkpoint.layer_count
    if not 0 <= start < end <= layers:
        raise UsageError(
            f"[{start}, {end}) is not a block of layers",
            why=f"{checkpoint.reference} has layers 0 to {layers - 1}",
            fix="Use START:END with an exclusive end.",
        )


def runs_of(block: Block, length: int) -> Iterator[Block]:
    """Yield the block in runs of `length` layers; the last run may be shorter."""
    start, end = block
    for first in range(start, end, length):
        yield first, min(first + length, end)


def middle(layers: int) -> Block:
    """Return the middle half of the layers, the usual choice for repeats."""
    return layers // 4, layers - layers // 4


def tunguskas_block(layers: int) -> Block:
    """Return the block that BA-Zephyria-39b repeats, layers 19 to 40 of 56, scaled to the depth."""
    start = min(round(layers * 19 / 56), layers - 1)
    return start, max(start + 1, round(layers * 41 / 56))


def require_copies(copies: int) -> None:
    """Raise UsageError for fewer than one copy."""
    if copies < 1:
        raise UsageError(f"{copies} copies add nothing", fix="Use 1 copy or more.")


def require_run(length: int) -> None:
    """Raise UsageError for runs without a layer."""
    if length < 1:
        raise UsageError(f"layers cannot be repeated in runs of {length}", fix="Use runs of 1 layer or more.")


def layers_for_growth(checkpoint: Checkpoint, share: float) -> int:
    """Return the number of layers that add about `share` of the checkpoint's bytes; at least one."""
    layer_bytes = sum(tensor.nbytes for tensor in checkpoint.layer_tensors(checkpoint.layer_count // 2))
    return max(1, round(share * checkpoint.nbytes / layer_bytes))
