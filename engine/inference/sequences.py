"""Token sequences of equal length, with a mask that separates text from the tokenizer's special tokens.

S sequences of T tokens, in batches of B.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.errors import CheckpointError, UsageError
from engine.tensors.library import torch_library

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Sequences:
    """Input of a measurement."""

    tokens: "torch.Tensor"
    """[S, T]: token ids."""
    is_text: "torch.Tensor"
    """[S, T]: False at the tokenizer's special tokens, which are input but not measured."""

    @classmethod
    def of_text(cls, tokens: "torch.Tensor") -> "Sequences":
        """Return sequences of `tokens` [S, T], all of them text."""
        return cls(tokens, torch_library().ones_like(tokens, dtype=torch_library().bool))

    @property
    def is_scored(self) -> "torch.Tensor":
        """[S, T-1]: mask of the tokens after the first whose predictions are scored."""
        return self.is_text[:, 1:]

    @property
    def seq_len(self) -> int:
        return self.tokens.shape[1]

    def __len__(self) -> int:
        return len(self.tokens)

    def __getitem__(self, chosen: slice) -> "Sequences":
        return Sequences(self.tokens[chosen], self.is_text[chosen])

    def split(self, size: int) -> "Iterator[Sequences]":
        """Yield batches of `size`, the last of which may be smaller."""
        return (self[start : start + size] for start in range(0, len(self), size))


def text_means(values: "torch.Tensor", counts: "torch.Tensor") -> "torch.Tensor":
    """Return the mean of each row of `values` [B, n] where `counts` [B, n] is True; [B] in float64."""
    counts = counts.to(values.device)
    means: torch.Tensor = values.double().masked_fill(~counts, 0.0).sum(-1) / counts.sum(-1)
    return means


def require_fit(model: Any, tokens: "torch.Tensor") -> None:
    """Check `tokens` [S, T] against the model.

    Raises UsageError if the sequences are longer than its context, CheckpointError for a token without an embedding.
    """
    context = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    if isinstance(context, int) and 0 < context < tokens.shape[1]:
        why = f"they have {tokens.shape[1]:,} tokens, the model was made for {context:,}"
        raise UsageError("the sequences are too long", why=why, fix=f"Use --seq-len {context} or less.")
    largest, vocabulary = int(tokens.max()), model.get_input_embeddings().weight.shape[0]
    if largest >= vocabulary:
        raise CheckpointError(
            "the tokenizer does not belong to the model",
            why=f"it gives token {largest:,}; the model has embeddings for {vocabulary:,}",
        )
