"""Duplication delta NLL: what repeating a block at full strength costs, measured.

    d(i, j) = mean over predicted tokens of NLL(0..j-1, i..N-1) - NLL(0..N-1)

Shapes: [T-1] differences for each sequence, paired token by token with the model as it is. Unit: nats a token; above 0
is worse. Cost: one forward pass, shared by all blocks, then N - i layer passes and the head for each block: what comes
before the repetition is not computed again. Equal to the merged checkpoint's figure in float32 up to rounding.
Source: teacher-forced loss of a depth-expanded model, as in every evaluation of self-merges; the pairing is that of
llama.cpp's `llama-perplexity --kl-divergence`.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from engine.inference.metrics.measured import Block, Measured, RecordedBatch, measured_blocks
from engine.inference.sequences import Sequences
from engine.protocol import Report

if TYPE_CHECKING:
    import torch


def measure(
    model: Any, sequences: Sequences, blocks: Sequence[Block], batch_size: int, report: Report
) -> dict[Block, Measured]:
    """d of each block on `sequences`. Raises as Measure says."""
    return measured_blocks(model, sequences, blocks, batch_size, report, _deltas)


def _deltas(batch: RecordedBatch, start: int, end: int) -> "torch.Tensor":
    repeated = batch.through(batch.boundaries[end], start, batch.layer_count)
    return batch.nll(repeated) - batch.base_nll
