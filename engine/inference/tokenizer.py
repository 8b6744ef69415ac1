"""Special tokens that a tokenizer adds before and after every text, and short excerpts of text around tokens.

The added tokens are detected from its output on sample texts, so that the mechanism (post-processor, add_bos_token,
custom code) does not matter.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

_TEXTS = ("one word", "Two, three.", "7 + 4", "\u00c9t\u00e9")
"""Sample texts that begin and end with different tokens, so that common tokens were added by the tokenizer."""

LENGTH = 60
"""Maximum number of characters of an excerpt."""
_BEFORE = 40
"""Maximum number of characters up to the end of the token itself."""
_TOKENS_BEFORE, _TOKENS_AFTER = 12, 8


@dataclass(frozen=True, slots=True)
class Marks:
    """Token ids of a tokenizer's prefix and suffix."""

    prefix: tuple[int, ...]
    """Tokens before a text, such as <bos>, [CLS], [gMASK]<sop>; may be empty."""
    suffix: tuple[int, ...]
    """Tokens after a text, such as </s>, [SEP]; may be empty."""

    def stripped(self, tokens: Sequence[int]) -> list[int]:
        """Return `tokens` without the prefix and the suffix, which a chat template may have added."""
        own = list(tokens)
        if self.prefix and tuple(own[: len(self.prefix)]) == self.prefix:
            own = own[len(self.prefix) :]
        if self.suffix and tuple(own[-len(self.suffix) :]) == self.suffix:
            own = own[: -len(self.suffix)]
        return own


def marks_of(tokenizer: Any) -> Marks:
    """Detect prefix and suffix of `tokenizer`."""
    marked = [tuple(tokenizer(text)["input_ids"]) for text in _TEXTS]
    around = {_around(tokens, _plain(tokenizer, text)) for tokens, text in zip(marked, _TEXTS, strict=True)}
    inserted = around.pop() if len(around) == 1 else None
    special = frozenset(getattr(tokenizer, "all_special_ids", ()))
    if inserted is None:
        return Marks(_leading(marked, special), _leading([each[::-1] for each in marked], special)[::-1])
    before, after = len(inserted.prefix), len(inserted.suffix)
    inner = [each[before : len(each) - after] for each in marked]
    always_before, always_after = _leading(inner, special), _leading([each[::-1] for each in inner], special)[::-1]
    return Marks(inserted.prefix + always_before, always_after + inserted.suffix)


def text_tokens(tokenizer: Any, marks: Marks, text: str) -> list[int]:
    """Return the tokens of `text` without prefix and suffix."""
    return marks.stripped(_plain(tokenizer, text))


def _plain(tokenizer: Any, text: str) -> tuple[int, ...]:
    return tuple(tokenizer(text, add_special_tokens=False)["input_ids"])


def _around(marked: tuple[int, ...], plain: tuple[int, ...]) -> Marks | None:
    """Return the tokens around `plain` in `marked`; None if `marked` does not contain `plain`."""
    for start in range(len(marked) - len(plain) + 1):
        end = start + len(plain)
        if marked[start:end] == plain:
            return Marks(marked[:start], marked[end:])
    return None


def _leading(texts: Sequence[tuple[int, ...]], special: frozenset[int]) -> tuple[int, ...]:
    """Return the common prefix of `texts`, as far as it consists of special tokens."""
    common = []
    for tokens in zip(*texts, strict=False):
        if len(set(tokens)) > 1 or tokens[0] not in special:
            break
        common.append(tokens[0])
    return tuple(common)


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
