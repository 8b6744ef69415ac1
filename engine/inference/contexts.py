"""The text around a token, short enough for a table."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

LENGTH = 60
"""Characters of a context at most."""
_BEFORE = 40
"""Of them, up to the end of the token itself."""
_TOKENS_BEFORE, _TOKENS_AFTER = 12, 8


def contexts(tokenizer: Any, sequences: "torch.Tensor", tokens: Iterable[int]) -> dict[int, str]:
    """For each number in `tokens`, counted through `sequences` [S, T] row by row: its text and some on either side.

    One line of at most 60 printable characters; the token itself ends at the 40th or before.
    """
    seq_len, rows = sequences.shape[1], sequences.tolist()
    wanted = sorted(set(tokens))
    pieces = [_pieces(rows[token // seq_len], token % seq_len) for token in wanted]
    before = tokenizer.batch_decode([up_to for up_to, _ in pieces])
    whole = tokenizer.batch_decode([all_of_it for _, all_of_it in pieces])
    return {token: _joined(*texts) for token, *texts in zip(wanted, before, whole, strict=True)}


def _pieces(row: list[int], position: int) -> tuple[list[int], list[int]]:
    start = max(0, position - _TOKENS_BEFORE)
    return row[start : position + 1], row[start : position + 1 + _TOKENS_AFTER]


def _joined(before: str, whole: str) -> str:
    """`before` is the text up to the token's end, `whole` goes on: some tokenizers decode a part alone otherwise."""
    left = _one_line(before)[-_BEFORE:]
    right = _one_line(whole[len(before) :])[: LENGTH - _BEFORE]
    return left + right


def _one_line(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)
