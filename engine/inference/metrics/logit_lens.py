"""Logit-lens KL: how much closer a block brings the stream to the model's final prediction.

    k(i, j) = mean over tokens of KL(p || p_i) - KL(p || p_j),   p_l = softmax(head(norm(B_l))),   p = p_N

Shapes: p_l is [T, V] per sequence; all positions of text count, no target is needed. Unit: nats per token; positive
means that the block brings the prediction closer. Cost: one forward pass, shared by all blocks, and the head once per
boundary of a block: at most N more. Memory: twice the logits of the batch, B * T * V each.
Use: a picture of the stages over depth (encoding, processing, decoding), not a selection criterion.
Source: nostalgebraist, "interpreting GPT: the logit lens" (2020); the KL to the final distribution as in Belrose et
al., "Eliciting Latent Predictions from Transformers with the Tuned Lens", https://arxiv.org/abs/2303.08112.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from engine.inference.metrics.block_metric import Block, Measured, RecordedBatch, measured_blocks
from engine.inference.sequences import Sequences
from engine.protocol import Report
from engine.tensors.library import torch_library

if TYPE_CHECKING:
    import torch


def measure(
    model: Any, sequences: Sequences, blocks: Sequence[Block], batch_size: int, report: Report
) -> dict[Block, Measured]:
    """Return k(i, j) of each block on `sequences`. Raises as Measure."""
    return measured_blocks(model, sequences, blocks, batch_size, report, _approaches)


def _approaches(batch: RecordedBatch, start: int, end: int) -> "torch.Tensor":
    return _divergence(batch, start) - _divergence(batch, end)


def _divergence(batch: RecordedBatch, boundary: int) -> "torch.Tensor":
    """Return KL(p || p_l) of each sequence, [B] in float64, cached per boundary."""
    if boundary not in batch.lens_divergences:
        batch.lens_divergences[boundary] = _computed(batch, boundary)
    return batch.lens_divergences[boundary]


def _computed(batch: RecordedBatch, boundary: int) -> "torch.Tensor":
    rows = zip(batch.base_logits, batch.recording.logits(batch.boundaries[boundary]), strict=True)
    return batch.text_means(torch_library().stack([_row_divergence(final, lens) for final, lens in rows]))


def _row_divergence(final: "torch.Tensor", lens: "torch.Tensor") -> "torch.Tensor":
    """Return the KL [T] of logits [T, V]; one sequence at a time, because float32 logits are large."""
    p, q = final.float().log_softmax(-1), lens.float().log_softmax(-1)
    divergence: torch.Tensor = q.sub_(p).neg_().mul_(p.exp_()).sum(-1)
    return divergence
