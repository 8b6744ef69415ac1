"""One batch of sequences with its residual stream at every boundary, from which layers can be run on.

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
