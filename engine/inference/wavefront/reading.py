"""What is made of a plan's last hidden states: a reader turns them into parts, and a plan's parts into its value."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from engine.tensors.library import torch_library

if TYPE_CHECKING:
    import torch

Part = TypeVar("Part")
Value = TypeVar("Value", covariant=True)


class Rows(Protocol):
    """One batch of the text, and how the model's end makes logits of its hidden states."""

    @property
    def number(self) -> int:
        """Of the batch, counted through the whole text."""
        ...

    @property
    def tokens(self) -> "torch.Tensor":
        """[B, T], where the logits lie."""
        ...

    def logits(self, hidden: "torch.Tensor") -> "torch.Tensor":
        """[B, T, D] to [B, T, V]; a tensor that nobody else holds."""
        ...


class Reader(Protocol[Part, Value]):
    """Reads plans batch by batch. Of every batch the base is read first, and forgotten when its last plan is read."""

    def read_base(self, rows: Rows, hidden: "torch.Tensor", *, keep: bool) -> Part:
        """The base's part; keep: whether there is room for `bytes_kept` until `forget`."""
        ...

    def read(self, rows: Rows, hidden: "torch.Tensor", base: "torch.Tensor | None") -> Part:
        """A plan's part. `base` is the base's last hidden states where nothing was kept of it and `compares`."""
        ...

    def forget(self, rows: Rows) -> None:
        """Let go of what was kept of the base."""
        ...

    def joined(self, parts: Sequence[Part]) -> Value:
        """A plan's value on a chunk of the text, from its parts in the order of the batches."""
        ...

    @property
    def compares(self) -> bool:
        """Whether plans are compared with the base."""
        ...

    def bytes_kept(self, tokens: int, vocabulary: int) -> int:
        """Of what is kept of the base for a batch of so many tokens."""
        ...


class Span(NamedTuple):
    """Tokens [start, end) of one row of a batch; the first token of a row is predicted by nothing, so start >= 1."""

    row: int
    start: int
    end: int


def padded(rows: Sequence[Sequence[int]], batch_size: int = 1, pad: int = 0) -> "list[torch.Tensor]":
    """Rows of token ids as batches [B, T], in their order, each padded on the right to its longest row."""
    torch = torch_library()
    batches = []
    for start in range(0, len(rows), batch_size):
        batch = rows[start : start + batch_size]
        longest = max(map(len, batch))
        batches.append(torch.tensor([[*row, *[pad] * (longest - len(row))] for row in batch]))
    return batches
