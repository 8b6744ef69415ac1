"""The special tokens that a tokenizer itself puts before and after every text.

They are read off what it does to texts, whatever makes it do so: a post-processor, add_bos_token, code of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_TEXTS = ("one word", "Two, three.", "7 + 4", "\u00c9t\u00e9")
"""Texts that begin and end with different tokens: what is common to all of them is not theirs."""


@dataclass(frozen=True, slots=True)
class Marks:
    """Token ids."""

    prefix: tuple[int, ...]
    """Before a text: <bos>, [CLS], [gMASK]<sop>, or nothing."""
    suffix: tuple[int, ...]
    """After a text: </s>, [SEP], or nothing."""

    def stripped(self, tokens: Sequence[int]) -> list[int]:
        """`tokens` without a prefix and a suffix that the text has already, such as those of a chat template."""
        own = list(tokens)
        if self.prefix and tuple(own[: len(self.prefix)]) == self.prefix:
            own = own[len(self.prefix) :]
        if self.suffix and tuple(own[-len(self.suffix) :]) == self.suffix:
            own = own[: -len(self.suffix)]
        return own


def marks_of(tokenizer: Any) -> Marks:
    """What `tokenizer` puts around every text."""
    marked = [tuple(tokenizer(text)["input_ids"]) for text in _TEXTS]
    found = {_around(each, _plain(tokenizer, text)) for each, text in zip(marked, _TEXTS, strict=True)}
    inserted = found.pop() if len(found) == 1 else None
    special = frozenset(getattr(tokenizer, "all_special_ids", ()))
    if inserted is None:
        return Marks(_leading(marked, special), _leading([each[::-1] for each in marked], special)[::-1])
    before, after = len(inserted.prefix), len(inserted.suffix)
    inner = [each[before : len(each) - after] for each in marked]
    always_before, always_after = _leading(inner, special), _leading([each[::-1] for each in inner], special)[::-1]
    return Marks(inserted.prefix + always_before, always_after + inserted.suffix)


def text_tokens(tokenizer: Any, marks: Marks, text: str) -> list[int]:
    """The tokens of `text` alone, without the marks."""
    return marks.stripped(_plain(tokenizer, text))


def _plain(tokenizer: Any, text: str) -> tuple[int, ...]:
    return tuple(tokenizer(text, add_special_tokens=False)["input_ids"])


def _around(marked: tuple[int, ...], plain: tuple[int, ...]) -> Marks | None:
    """What stands around `plain` in `marked`; None where the one is not a part of the other."""
    for start in range(len(marked) - len(plain) + 1):
        end = start + len(plain)
        if marked[start:end] == plain:
            return Marks(marked[:start], marked[end:])
    return None


def _leading(texts: Sequence[tuple[int, ...]], special: frozenset[int]) -> tuple[int, ...]:
    """The special tokens that all of `texts` begin with."""
    common = []
    for tokens in zip(*texts, strict=False):
        if len(set(tokens)) > 1 or tokens[0] not in special:
            break
        common.append(tokens[0])
    return tuple(common)
