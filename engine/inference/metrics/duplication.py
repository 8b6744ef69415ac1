"""Duplication delta NLL: increase of the loss when a block is repeated without scaling.

    d(i, j) = mean over predicted tokens of NLL(0..j-1, i..N-1) - NLL(0..N-1)

Shapes: [T-1] differences per sequence, paired token by token with the base. Unit: nats per token; positive is worse.
Cost: one forward pass, shared by all blocks, then N - i layer passes and the head for each block, since the layers
before the repetition are not recomputed. Equal to the merged checkpoint's value in float32 up to rounding.
Source: teacher-forced loss of a depth-expanded model, as in every evaluation of self-merges; the pairing is that of
llama.cpp's `llama-perplexity --kl-divergence`.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from engine.inference.metrics.block_metric import Block, Measured, RecordedBatch, measured_blocks
from engine.inference.sequences import Sequences
from engine.protocol import Report

if TYPE_CHECKING:
    import torch


def measure(
    model: Any, sequences: Sequences, blocks: Sequence[Block], batch_size: int, report: Report
) -> dict[Block, Measured]:
    """Return d(i, j) of each block on `sequences`. Raises as Measure."""
    return measured_blocks(model, sequences, blocks, batch_size, report, _deltas)


def _deltas(batch: RecordedBatch, start: int, end: int) -> "torch.Tensor":
    repeated = batch.through(batch.boundaries[end], start, batch.layer_count)
    return batch.nll(repeated) - batch.base_nll
