"""Ablation delta NLL: increase of the loss when a block is removed.

    a(i, j) = mean over predicted tokens of NLL(0..i-1, j..N-1) - NLL(0..N-1)

Shapes: [T-1] differences per sequence, paired token by token with the base. Unit: nats per token; positive is worse.
Cost: one forward pass, shared by all blocks, then N - j layer passes and the head for each block.
Use: pruning, and a list of layers to leave unchanged. Not a criterion for duplication: importance and the cost of a
second copy hardly correlate (Spearman 0.48, 0.41, 0.32, 0.00 for widths 1, 2, 4, 7 on SmolLM2-135M).
Source: Men et al., "ShortGPT", https://arxiv.org/abs/2403.03853, and the layer-dropping literature before it.
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
    """Return a(i, j) of each block on `sequences`. Raises as Measure."""
    return measured_blocks(model, sequences, blocks, batch_size, report, _deltas)


def _deltas(batch: RecordedBatch, start: int, end: int) -> "torch.Tensor":
    shortened = batch.through(batch.boundaries[start], end, batch.layer_count)
    return batch.nll(shortened) - batch.base_nll
