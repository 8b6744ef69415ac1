"""Measurement of the metrics of blocks: values of one batch, from its residual stream, and the loop over batches.

A block (i, j) is layers i..j-1, 0 <= i < j <= N. A metric gives one value per sequence and block, and its figure is the
mean over sequences, which have about the same number of text tokens each.

B sequences of T tokens, N layers, D the hidden size, V the vocabulary.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isfinite, sqrt
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from engine.errors import CheckpointError, UsageError
from engine.inference.decoder_layers import decoder_layers
from engine.inference.replay import Recording, record
from engine.inference.sequences import Sequences, in_batches, require_fit, text_means
from engine.protocol import Report
from engine.tensors.library import torch_library

if TYPE_CHECKING:
    import torch

Block: TypeAlias = tuple[int, int]


@dataclass(frozen=True)
class RecordedBatch:
    """Boundaries of one batch, shared by all blocks of a metric. Cost: one forward pass without the head."""

    sequences: Sequences
    """Sequences of the batch."""
    recording: Recording
    boundaries: tuple["torch.Tensor", ...]
    """B_0..B_N, each [B, T, D]."""

    @classmethod
    def of(cls, model: Any, sequences: Sequences) -> "RecordedBatch":
        """Record a batch. Raises CheckpointError if the model's layers cannot be run individually."""
        recording = record(model, sequences.tokens)
        boundaries = [recording.embedded]
        for index in range(len(decoder_layers(model))):
            boundaries.append(recording.layer(index, boundaries[-1]))
        return cls(sequences, recording, tuple(boundaries))

    @property
    def layer_count(self) -> int:
        return len(self.boundaries) - 1

    def through(self, hidden: "torch.Tensor", start: int, end: int) -> "torch.Tensor":
        """Run layers start..end-1 on `hidden` [B, T, D]; return [B, T, D]."""
        for index in range(start, end):
            hidden = self.recording.layer(index, hidden)
        return hidden

    def nll(self, hidden: "torch.Tensor") -> "torch.Tensor":
        """Return the mean NLL of the scored tokens of each sequence, [B] in float64, in nats.

        hidden: output [B, T, D] of the last layer.
        """
        logits = self.recording.logits(hidden)
        nll = torch_library().stack(list(map(_row_nll, logits, self.sequences.tokens.to(logits.device))))
        return text_means(nll, self.sequences.is_scored)

    def text_means(self, values: "torch.Tensor") -> "torch.Tensor":
        """Return the means of `values` [B, T] over the text tokens of each sequence, [B] in float64."""
        return text_means(values, self.sequences.is_text)

    @cached_property
    def base_nll(self) -> "torch.Tensor":
        """NLL [B] of the base."""
        return self.nll(self.boundaries[-1])

    @cached_property
    def base_logits(self) -> "torch.Tensor":
        """Logits [B, T, V] of the base."""
        return self.recording.logits(self.boundaries[-1])

    @cached_property
    def lens_divergences(self) -> "dict[int, torch.Tensor]":
        """Cache of the mean KL of each sequence, [B], by boundary."""
        return {}


def _row_nll(logits: "torch.Tensor", tokens: "torch.Tensor") -> "torch.Tensor":
    """Return the NLL [T-1] of logits [T, V] and tokens [T]; one sequence, because float32 logits are large."""
    loss: torch.Tensor = torch_library().nn.functional.cross_entropy(logits[:-1].float(), tokens[1:], reduction="none")
    return loss


Value: TypeAlias = Callable[[RecordedBatch, int, int], "torch.Tensor"]
"""Function from a batch of B sequences and a block (i, j) to values [B], the means over each sequence's text tokens."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Value of a metric for one block."""

    value: float
    """Mean over sequences, in the metric's unit."""
    se: float | None
    """Standard error over sequences (of paired differences, for delta metrics). None for a single sequence."""
    per_sequence: tuple[float, ...]
    """Value of each sequence, in the same order for all blocks, so that blocks can be paired."""


class Measure(Protocol):
    """A metric: values of `blocks` on `sequences`, whose boundaries are computed once.

    Raises UsageError for a block outside the model or sequences longer than its context, CheckpointError if the layers
    cannot be run individually or produce NaN or infinity, MachineError if the memory does not suffice.
    """

    def __call__(
        self, model: Any, sequences: Sequences, blocks: Sequence[Block], batch_size: int, report: Report
    ) -> dict[Block, Measured]: ...


def measured_blocks(
    model: Any, sequences: Sequences, blocks: Sequence[Block], batch_size: int, report: Report, value: Value
) -> dict[Block, Measured]:
    """Return `value` of each block, in the order of `blocks`. Raises as Measure."""
    require_fit(model, sequences.tokens)
    values_of: dict[Block, list[float]] = {(start, end): [] for start, end in blocks}
    total = len(sequences) * len(values_of)

    def one_batch(first: int, part: Sequences) -> None:
        batch = RecordedBatch.of(model, part)
        _require_blocks(values_of, len(batch.boundaries) - 1)
        values = []
        for done, (start, end) in enumerate(values_of):
            report(first * len(values_of) + done * len(part), total, "blocks measured, each on every sequence")
            values.append(_finite(value(batch, start, end), start, end))
        for collected, new in zip(values_of.values(), values, strict=True):
            collected.extend(new)

    with torch_library().inference_mode():
        in_batches(sequences, batch_size, one_batch)
    report(total, total, "blocks measured, each on every sequence")
    return {block: _measured(values) for block, values in values_of.items()}


def _require_blocks(blocks: Sequence[Block] | dict[Block, Any], layer_count: int) -> None:
    for start, end in blocks:
        if not 0 <= start < end <= layer_count:
            raise UsageError(
                f"there is no block ({start}, {end})",
                why=f"the model has layers 0 to {layer_count - 1}, and a block ends after it begins",
            )


def _finite(values: "torch.Tensor", start: int, end: int) -> list[float]:
    listed: list[float] = values.tolist()
    if not all(map(isfinite, listed)):
        raise CheckpointError(
            f"the block ({start}, {end}) computes NaN or infinity",
            fix="Use --dtype float32 if that is wider; if not, leave the block out.",
        )
    return listed


def _measured(values: Sequence[float]) -> Measured:
    se = stdev(values) / sqrt(len(values)) if len(values) > 1 else None
    return Measured(fmean(values), se, tuple(values))
