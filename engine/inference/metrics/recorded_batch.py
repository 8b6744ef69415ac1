"""A batch of sequences with its residual stream at every boundary, from which layers can be run.

B sequences of T tokens, N layers, D the hidden size, V the vocabulary.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from engine.inference.replay import Recording, record
from engine.inference.sequences import Sequences, text_means
from engine.inference.signature import decoder_layers
from engine.tensors.library import torch_library

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class RecordedBatch:
    """Boundaries of one batch, shared by all blocks of a metric. Cost: one forward pass without the head."""

    sequences: Sequences
    """The B sequences."""
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
