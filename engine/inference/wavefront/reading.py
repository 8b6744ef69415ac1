"""Protocol of readers, which evaluate a plan's last hidden states batch by batch and join the parts to a value."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    import torch

Part = TypeVar("Part")
Value = TypeVar("Value", covariant=True)


class Rows(Protocol):
    """One batch of the text, with the model's final norm and head."""

    @property
    def number(self) -> int:
        """Index of the batch in the whole text."""
        ...

    @property
    def tokens(self) -> "torch.Tensor":
        """[B, T], on the device of the logits."""
        ...

    def logits(self, hidden: "torch.Tensor") -> "torch.Tensor":
        """Return the logits [B, T, V] of `hidden` [B, T, D] as a new tensor."""
        ...


class Reader(Protocol[Part, Value]):
    """Evaluates plans batch by batch. The base is read first, and forgotten after the last plan of the batch."""

    def read_base(self, rows: Rows, hidden: "torch.Tensor", *, keep: bool) -> Part:
        """Return the base's part. keep: whether `bytes_kept` may be held until `forget`."""
        ...

    def read(self, rows: Rows, hidden: "torch.Tensor", base: "torch.Tensor | None") -> Part:
        """Return a plan's part. base: the base's last hidden states, if `compares` and nothing was kept."""
        ...

    def forget(self, rows: Rows) -> None:
        """Free what was kept of the base."""
        ...

    def joined(self, parts: Sequence[Part]) -> Value:
        """Return a plan's value on a chunk of the text from its parts in the order of the batches."""
        ...

    @property
    def compares(self) -> bool:
        """True if plans are compared with the base."""
        ...

    def bytes_kept(self, tokens: int, vocabulary: int) -> int:
        """Return the number of bytes kept of the base for a batch of `tokens` tokens."""
        ...
