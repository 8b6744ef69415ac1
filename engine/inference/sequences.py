"""Token sequences of equal length, with a mask that separates text from the tokenizer's special tokens.

S sequences of T tokens, in batches of B, which shrink when memory runs out.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.errors import CheckpointError, UsageError
from engine.inference.devices import release_memory, too_little_for_one_sequence
from engine.inference.library import is_out_of_memory, one_line
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


Work = Callable[[int, Sequences], None]
"""Function of the index of the batch's first sequence and the batch. It must have no effect if it raises."""


def in_batches(sequences: Sequences, batch_size: int, work: Work) -> int:
    """Call `work` on batches of `sequences`; halve the batch size whenever memory runs out.

    Returns the final batch size. Raises MachineError if the memory does not suffice for one sequence.
    """
    start = 0
    while start < len(sequences):
        batch = sequences[start : start + batch_size]
        failure = _failure_for_lack_of_memory(work, start, batch)
        if failure is None:
            start += len(batch)
        elif len(batch) == 1:
            raise too_little_for_one_sequence(sequences.seq_len, failure)
        else:
            batch_size = len(batch) // 2
    return batch_size


def _failure_for_lack_of_memory(work: Work, start: int, batch: Sequences) -> str | None:
    """Return torch's message if memory ran out, else None. The exception would keep the batch's tensors alive."""
    try:
        work(start, batch)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        failure = one_line(error)
    else:
        return None
    release_memory()
    return failure
