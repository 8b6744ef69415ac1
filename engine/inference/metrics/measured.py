"""What the metrics of blocks share: which blocks there are, how sequences become a figure, and what they are asked.

A block (i, j) is layers i..j-1, 0 <= i < j <= N. Each metric gives one number for each sequence and block; the figure
is the mean over sequences, which have about as many tokens of text each.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite, sqrt
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from engine.errors import CheckpointError, UsageError
from engine.inference.batches import in_batches
from engine.inference.metrics.recorded_batch import RecordedBatch
from engine.inference.sequences import Sequences, require_fit
from engine.protocol import Report
from engine.tensors.library import torch_library

if TYPE_CHECKING:
    import torch

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
