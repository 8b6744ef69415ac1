"""Tokenised probes and their evaluation: each prompt with one possible answer is a row with a marked answer span.

R rows, padded on the right to T tokens in batches of B, which does not affect the tokens before; vocabulary V.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.errors import UsageError, shown
from engine.inference.tokenizer import Marks, marks_of, text_tokens
from engine.inference.wavefront.readers import Rows
from engine.tensors.library import torch_library
from engine.text.probe import Probe, ProbeItem

if TYPE_CHECKING:
    import torch


class Span(NamedTuple):
    """Tokens [start, end) of one row of a batch; start >= 1, since a row's first token has no prediction."""

    row: int
    start: int
    end: int


class Answer(NamedTuple):
    """A model's score of one possible answer."""

    log_likelihood: float
    """Sum over the answer's tokens, in nats."""
    is_first_choice: bool
    """True if each of its tokens is the most likely one."""


@dataclass(frozen=True)
class ProbeRows:
    """Rows of a probe in batches, sorted by length to minimise padding."""

    probe: Probe
    batches: "tuple[torch.Tensor, ...]"
    spans: tuple[tuple[Span, ...], ...]
    """Answer spans of each batch, one per row."""
    positions: tuple[int, ...]
    """Index of each row's answer among the choices of all items, concatenated."""

    @classmethod
    def of(cls, probe: Probe, tokenizer: Any, batch_size: int) -> "ProbeRows":
        """Tokenise a probe. Raises UsageError for an item whose prompt or answer has no tokens."""
        marks = marks_of(tokenizer)
        rows = [row for item in probe.items for row in _rows(item, tokenizer, marks)]
        positions = sorted(range(len(rows)), key=lambda position: len(rows[position][0]))
        ordered = [rows[position] for position in positions]
        spans = [
            tuple(
                Span(row, start, len(tokens)) for row, (tokens, start) in enumerate(ordered[first : first + batch_size])
            )
            for first in range(0, len(ordered), batch_size)
        ]
        batches = padded([tokens for tokens, _ in ordered], batch_size)
        return cls(probe, tuple(batches), tuple(spans), tuple(positions))

    def scores(self, scored_rows: Sequence[Answer]) -> "Iterator[tuple[bool, float]]":
        """Yield for each item whether it is answered correctly, and the log-likelihood of the correct answer."""
        ordered = [
            answer for _, answer in sorted(zip(self.positions, scored_rows, strict=True), key=lambda pair: pair[0])
        ]
        start = 0
        for item in self.probe.items:
            answers = ordered[start : start + len(item.choices)]
            start += len(item.choices)
            right = answers[item.right]
            best = max(answers, key=lambda answer: answer.log_likelihood)
            yield right.is_first_choice if item.is_open else best is right, right.log_likelihood


class AnswerReader:
    """Reader of Answers, in the order of rows."""

    compares = False

    def __init__(self, rows: ProbeRows) -> None:
        self._spans = rows.spans

    def read_base(self, rows: Rows, hidden: "torch.Tensor", *, keep: bool) -> list[Answer]:
        assert not keep
        return self.read(rows, hidden, None)

    def read(self, rows: Rows, hidden: "torch.Tensor", _base: "torch.Tensor | None") -> list[Answer]:
        logits = rows.logits(hidden)
        return [_answer(logits[span.row], rows.tokens[span.row], span) for span in self._spans[rows.number]]

    def forget(self, rows: Rows) -> None:
        pass

    def joined(self, parts: Sequence[list[Answer]]) -> list[Answer]:
        return [answer for part in parts for answer in part]

    def bytes_kept(self, _tokens: int, _vocabulary: int) -> int:
        return 0


def padded(rows: Sequence[Sequence[int]], batch_size: int = 1, pad: int = 0) -> "list[torch.Tensor]":
    """Return rows of token ids as batches [B, T] in order, each padded on the right to its longest row."""
    torch = torch_library()
    batches = []
    for start in range(0, len(rows), batch_size):
        batch = rows[start : start + batch_size]
        longest = max(map(len, batch))
        batches.append(torch.tensor([[*row, *[pad] * (longest - len(row))] for row in batch]))
    return batches


def _answer(logits: "torch.Tensor", tokens: "torch.Tensor", span: Span) -> Answer:
    """Score the answer in logits [T, V] of tokens [T]."""
    predicting = logits[span.start - 1 : span.end - 1].log_softmax(-1, dtype=torch_library().float32)
    targets = tokens[span.start : span.end]
    picked = predicting.gather(-1, targets[:, None])[:, 0]
    return Answer(float(picked.double().sum()), bool((picked == predicting.amax(-1)).all()))


def _rows(item: ProbeItem, tokenizer: Any, marks: Marks) -> Iterator[tuple[list[int], int]]:
    """Yield the tokens of prompt and choice, with the tokenizer's prefix, and the index of the choice's first token."""
    prompt = item.prompt.rstrip(" ")
    prompt_tokens = [*marks.prefix, *text_tokens(tokenizer, marks, prompt)]
    for choice in item.choices:
        gap = "" if choice[0].isspace() or prompt[-1].isspace() else " "
        whole = [*marks.prefix, *text_tokens(tokenizer, marks, f"{prompt}{gap}{choice}")]
        start = _common(prompt_tokens, whole)
        if not max(1, len(marks.prefix)) <= start < len(whole):
            raise UsageError(
                f"the answer {shown(choice)!r} has no tokens to score after the prompt {shown(item.prompt)!r}"
            )
        yield whole, start


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    """Return the length of the common prefix."""
    pairs = zip(one, other, strict=False)
    return next((place for place, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))
