"""Sampling of sequences spread over a text, each with the tokenizer's prefix.

A sequence is the tokenizer's prefix followed by tokens of one document. The first round takes the first piece of every
document, the second round the second piece, and so on, in an order in which any number of documents is spread evenly
over the text. Remainders at the ends of documents, too short for a sequence, are joined, each between the tokenizer's
prefix and suffix, or followed by the end-of-text token if the tokenizer has neither.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count, islice
from typing import Any, NamedTuple

from engine.errors import CheckpointError, UsageError
from engine.inference.library import one_line, translated
from engine.inference.sequences import Sequences
from engine.inference.tokenizer import Marks, marks_of, text_tokens
from engine.numbers.intervals import MIN_SEQUENCES
from engine.tensors.library import torch_library
from engine.text.corpus import Document
from engine.units import plural


@dataclass(frozen=True)
class Sample:
    """Sequences and the documents that they come from."""

    sequences: Sequences
    marks: Marks
    documents: tuple[Document, ...]
    """Documents that occur in a sequence, in the text's order."""
    documents_in_text: int


class _Row(NamedTuple):
    """One sequence."""

    tokens: list[int]
    is_text: list[bool]
    documents: frozenset[int]
    """Indices of the documents in the sequence."""


def sample_sequences(tokenizer: Any, documents: Sequence[Document], seq_len: int, tokens: int) -> Sample:
    """Sample S sequences of T = `seq_len` tokens, prefix included, with S * T at most `tokens`.

    Chats are formatted by the tokenizer's chat template. Raises UsageError for fewer than 16 sequences, CheckpointError
    for chats that the tokenizer has no template for.
    """
    marks = marks_of(tokenizer)
    _require_budget(seq_len, tokens, marks)
    rows = list(islice(_Cutter(tokenizer, documents, marks, seq_len).rows(), tokens // seq_len))
    if len(rows) < MIN_SEQUENCES:
        raise UsageError(
            "the text is too short",
            why=f"it makes {len(rows)} sequences of {seq_len} tokens; at least {MIN_SEQUENCES} are needed",
            fix="Give more text, or shorter sequences (--seq-len).",
        )
    torch = torch_library()
    touched = sorted(frozenset[int]().union(*(row.documents for row in rows)))
    return Sample(
        Sequences(torch.tensor([row.tokens for row in rows]), torch.tensor([row.is_text for row in rows])),
        marks,
        tuple(documents[number] for number in touched),
        len(documents),
    )


def spread(number: int) -> list[int]:
    """Return 0..number-1 in bit-reversed order, of which every prefix is spread evenly."""
    digits = max(number - 1, 0).bit_length()
    return sorted(range(number), key=lambda index: int(f"{index:0{digits}b}"[::-1], 2))


def _require_budget(seq_len: int, tokens: int, marks: Marks) -> None:
    fewest = max(2, len(marks.prefix) + 1)
    if seq_len < fewest:
        prefix = f"; the tokenizer adds a prefix of {plural(len(marks.prefix), 'token')}" if marks.prefix else ""
        raise UsageError(
            f"sequences of {seq_len} tokens predict nothing{prefix}", fix=f"Use --seq-len {fewest} or more."
        )
    if tokens < MIN_SEQUENCES * seq_len:
        raise UsageError(
            "too few tokens were requested",
            why=f"{tokens:,} tokens make {max(tokens, 0) // seq_len} sequences of {seq_len}; "
            f"at least {MIN_SEQUENCES} are needed",
            fix=f"Use --tokens {MIN_SEQUENCES * seq_len} or more, or shorter sequences (--seq-len).",
        )


@dataclass
class _Cutter:
    """Splits documents into sequences; documents are tokenised when needed."""

    tokenizer: Any
    documents: Sequence[Document]
    marks: Marks
    seq_len: int
    _encoded: dict[int, list[int]] = field(default_factory=dict)

    def rows(self) -> Iterator[_Row]:
        """Yield all sequences of the documents."""
        remainders = _Joined(self.marks, self.seq_len)
        length = self.seq_len - len(self.marks.prefix)
        left = spread(len(self.documents))
        for start in count(0, length):
            left = [number for number in left if len(self._tokens(number)) > start]
            if not left:
                return
            for number in left:
                piece = self._tokens(number)[start : start + length]
                if len(piece) == length:
                    yield self._whole(piece, number)
                else:
                    yield from remainders.add(piece, number, self._separator(number))

    def _tokens(self, number: int) -> list[int]:
        if number not in self._encoded:
            document = self.documents[number]
            text = _templated(self.tokenizer, document) if document.messages else document.text
            self._encoded[number] = text_tokens(self.tokenizer, self.marks, text)
        return self._encoded[number]

    def _whole(self, piece: list[int], number: int) -> _Row:
        prefix = self.marks.prefix
        return _Row([*prefix, *piece], [False] * len(prefix) + [True] * len(piece), frozenset([number]))

    def _separator(self, number: int) -> tuple[int, ...]:
        """Return the tokens after a document; none for a chat, which its template ends."""
        return () if self.documents[number].messages else self._document_end

    @cached_property
    def _document_end(self) -> tuple[int, ...]:
        end = self.tokenizer.eos_token_id
        has_marks = self.marks.prefix or self.marks.suffix
        return self.marks.suffix if has_marks or end is None else (end,)


@dataclass
class _Joined:
    """Joins remainders of documents into sequences."""

    marks: Marks
    seq_len: int
    _row: _Row = field(default_factory=lambda: _Row([], [], frozenset()))

    def add(self, piece: list[int], number: int, separator: tuple[int, ...]) -> Iterator[_Row]:
        """Add the remainder of document `number`; yield each sequence that is complete."""
        while piece:
            self._append(self.marks.prefix, is_text=False, number=number)
            room = max(0, self.seq_len - len(self._row.tokens))
            self._append(piece[:room], is_text=True, number=number)
            piece = piece[room:]
            if not piece:
                self._append(separator, is_text=False, number=number)
            if len(self._row.tokens) >= self.seq_len:
                yield _Row(self._row.tokens[: self.seq_len], self._row.is_text[: self.seq_len], self._row.documents)
                self._row = _Row([], [], frozenset())

    def _append(self, tokens: Sequence[int], *, is_text: bool, number: int) -> None:
        row = self._row
        self._row = _Row([*row.tokens, *tokens], row.is_text + [is_text] * len(tokens), row.documents | {number})


def _templated(tokenizer: Any, document: Document) -> str:
    def explained(error: Exception) -> CheckpointError:
        return CheckpointError(
            f"the tokenizer cannot write the chat turns of {document.title}",
            why=one_line(error),
            fix="Use a checkpoint with a chat template that takes them, or plain text.",
        )

    with translated(explained):
        text: str = tokenizer.apply_chat_template(list(document.messages), tokenize=False)
    return text
