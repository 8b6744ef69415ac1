"""Short text excerpts around tokens, for tables."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

LENGTH = 60
"""Maximum number of characters of an excerpt."""
_BEFORE = 40
"""Maximum number of characters up to the end of the token itself."""
_TOKENS_BEFORE, _TOKENS_AFTER = 12, 8


def contexts(tokenizer: Any, sequences: "torch.Tensor", tokens: Iterable[int]) -> dict[int, str]:
    """Return an excerpt around each of `tokens`, which are flat indices into `sequences` [S, T].

    An excerpt is one line of at most 60 printable characters; the token itself ends at the 40th or before.
    """
    seq_len, rows = sequences.shape[1], sequences.tolist()
    indices = sorted(set(tokens))
    pieces = [_pieces(rows[token // seq_len], token % seq_len) for token in indices]
    before = tokenizer.batch_decode([up_to for up_to, _ in pieces])
    whole = tokenizer.batch_decode([extended for _, extended in pieces])
    return {token: _joined(*texts) for token, *texts in zip(indices, before, whole, strict=True)}


def _pieces(row: list[int], position: int) -> tuple[list[int], list[int]]:
    start = max(0, position - _TOKENS_BEFORE)
    return row[start : position + 1], row[start : position + 1 + _TOKENS_AFTER]


def _joined(before: str, whole: str) -> str:
    """Join the text up to the token's end with the rest of `whole`; decoding the rest alone may give other text."""
    left = _one_line(before)[-_BEFORE:]
    right = _one_line(whole[len(before) :])[: LENGTH - _BEFORE]
    return left + right


def _one_line(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)
