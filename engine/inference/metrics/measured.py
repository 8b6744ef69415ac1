"""One batch of sequences with its residual stream at every boundary, from which layers can be run on.

B sequences of T tokens, N layers, D the hidden size, V the vocabulary.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isfinite, sqrt
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from engine.errors import CheckpointError, UsageError
from engine.inference.replay import Recording, record
from engine.inference.sequences import Sequences, in_batches, require_fit, text_means
from engine.inference.signature import decoder_layers
from engine.protocol import Report
from engine.tensors.library import torch_library

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class RecordedBatch:
    """What all blocks of a metric share; costs one forward pass without the head, and its boundaries' memory."""

    sequences: Sequences
    """B of them."""
    recording: Recording
    boundaries: tuple["torch.Tensor", ...]
    """B_0..B_N, each [B, T, D]."""

    @classmethod
    def of(cls, model: Any, sequences: Sequences) -> "RecordedBatch":
        """Raises CheckpointError when the model's layers cannot be run one by one."""
        recording = record(model, sequences.tokens)
        boundaries = [recording.embedded]
        for index in range(len(decoder_layers(model))):
            boundaries.append(recording.layer(index, boundaries[-1]))
        return cls(sequences, recording, tuple(boundaries))

    @property
    def layer_count(self) -> int:
        return len(self.boundaries) - 1

    def through(self, hidden: "torch.Tensor", start: int, end: int) -> "torch.Tensor":
        """[B, T, D] to [B, T, D]: layers start..end-1."""
        for index in range(start, end):
            hidden = self.recording.layer(index, hidden)
        return hidden

    def nll(self, hidden: "torch.Tensor") -> "torch.Tensor":
        """[B] in float64: mean negative log-likelihood of each sequence's tokens that are scored, in nats.

        `hidden` [B, T, D] is what the last layer leaves.
        """
        logits = self.recording.logits(hidden)
        nll = torch_library().stack(list(map(_row_nll, logits, self.sequences.tokens.to(logits.device))))
        return text_means(nll, self.sequences.is_scored)

    def text_means(self, values: "torch.Tensor") -> "torch.Tensor":
        """[B] in float64: the mean of `values` [B, T] over each sequence's tokens of text."""
        return text_means(values, self.sequences.is_text)

    @cached_property
    def base_nll(self) -> "torch.Tensor":
        """[B], of the model as it is."""
        return self.nll(self.boundaries[-1])

    @cached_property
    def base_logits(self) -> "torch.Tensor":
        """[B, T, V], of the model as it is."""
        return self.recording.logits(self.boundaries[-1])

    @cached_property
    def lens_divergences(self) -> "dict[int, torch.Tensor]":
        """By boundary, as far as they have been asked for: mean KL of each sequence, [B]."""
        return {}


def _row_nll(logits: "torch.Tensor", tokens: "torch.Tensor") -> "torch.Tensor":
    """[T-1], from [T, V] and [T]; one sequence at a time, because float32 logits are large."""
    loss: torch.Tensor = torch_library().nn.functional.cross_entropy(logits[:-1].float(), tokens[1:], reduction="none")
    return loss


Block: TypeAlias = tuple[int, int]

Value: TypeAlias = Callable[[RecordedBatch, int, int], "torch.Tensor"]
"""From a batch of B sequences and a block's ends to [B]: the mean over each sequence's tokens of text."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A metric of one block."""

    value: float
    """The mean over sequences, in the metric's unit."""
    se: float | None
    """Its standard error over sequences, of paired differences where the metric is one. None for a single sequence."""
    per_sequence: tuple[float, ...]
    """What the mean is of: one for each sequence, in the same order for all blocks, so blocks can be paired."""


class Measure(Protocol):
    """A metric: figures of `blocks` on `sequences`, whose boundaries are computed once.

    Raises UsageError for a block that the model has not or sequences beyond its context, CheckpointError when the
    layers cannot be run one by one or give NaN or infinity, MachineError when the memory does not suffice.
    """

    def __call__(
        self, model: Any, sequences: Sequences, blocks: Sequence[Block], batch_size: int, report: Report
    ) -> dict[Block, Measured]: ...


def measured_blocks(
    model: Any, sequences: Sequences, blocks: Sequence[Block], batch_size: int, report: Report, value: Value
) -> dict[Block, Measured]:
    """`value` of each block, in the order of `blocks`. Raises as Measure says."""
    require_fit(model, sequences.tokens)
    found: dict[Block, list[float]] = {(start, end): [] for start, end in blocks}
    total = len(sequences) * len(found)

    def one_batch(first: int, some: Sequences) -> None:
        batch = RecordedBatch.of(model, some)
        _require_blocks(found, len(batch.boundaries) - 1)
        values = []
        for done, (start, end) in enumerate(found):
            report(first * len(found) + done * len(some), total, "blocks measured, each on every sequence")
            values.append(_finite(value(batch, start, end), start, end))
        for each, new in zip(found.values(), values, strict=True):
            each.extend(new)

    with torch_library().inference_mode():
        in_batches(sequences, batch_size, one_batch)
    report(total, total, "blocks measured, each on every sequence")
    return {block: _measured(values) for block, values in found.items()}


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
