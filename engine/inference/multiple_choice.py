"""Probes as the wavefront reads them: every possible answer behind its prompt is a row, with its tokens marked.

R rows, padded to T tokens in batches of B; V the vocabulary.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.errors import UsageError, shown
from engine.inference.marks import Marks, marks_of, text_tokens
from engine.inference.wavefront.reading import Rows
from engine.inference.wavefront.spans import Span, padded
from engine.tensors.library import torch_library
from engine.text.probe import Probe, ProbeItem

if TYPE_CHECKING:
    import torch


class Answer(NamedTuple):
    """What a model makes of one possible answer."""

    log_likelihood: float
    """Of all its tokens together, nats."""
    is_first_choice: bool
    """Whether each of its tokens is the likeliest one."""


@dataclass(frozen=True)
class ProbeRows:
    """A probe in tokens, shortest rows first, so that little is padded."""

    probe: Probe
    batches: "tuple[torch.Tensor, ...]"
    spans: tuple[tuple[Span, ...], ...]
    """Of each batch: the answer's tokens of each row."""
    places: tuple[int, ...]
    """Row to where it stands among all items' choices, one item after another."""

    @classmethod
    def of(cls, probe: Probe, tokenizer: Any, batch_size: int) -> "ProbeRows":
        """Raises UsageError for an item whose prompt or answer has no tokens."""
        marks = marks_of(tokenizer)
        rows = [row for item in probe.items for row in _rows(item, tokenizer, marks)]
        places = sorted(range(len(rows)), key=lambda place: len(rows[place][0]))
        ordered = [rows[place] for place in places]
        spans = [
            tuple(
                Span(row, start, len(tokens)) for row, (tokens, start) in enumerate(ordered[first : first + batch_size])
            )
            for first in range(0, len(ordered), batch_size)
        ]
        batches = padded([tokens for tokens, _ in ordered], batch_size)
        return cls(probe, tuple(batches), tuple(spans), tuple(places))

    def judged(self, read: Sequence[Answer]) -> "Iterator[tuple[bool, float]]":
        """read: of each row. For each item whether it is answered rightly, and the right answer's log-likelihood."""
        ordered = [answer for _, answer in sorted(zip(self.places, read, strict=True), key=lambda pair: pair[0])]
        start = 0
        for item in self.probe.items:
            answers = ordered[start : start + len(item.choices)]
            start += len(item.choices)
            right = answers[item.right]
            best = max(answers, key=lambda answer: answer.log_likelihood)
            yield right.is_first_choice if item.is_open else best is right, right.log_likelihood


class AnswerReader:
    """Reads Answers, in the order of rows."""

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


def _answer(logits: "torch.Tensor", tokens: "torch.Tensor", span: Span) -> Answer:
    """From [T, V] and [T]."""
    predicting = logits[span.start - 1 : span.end - 1].log_softmax(-1, dtype=torch_library().float32)
    wanted = tokens[span.start : span.end]
    picked = predicting.gather(-1, wanted[:, None])[:, 0]
    return Answer(float(picked.double().sum()), bool((picked == predicting.amax(-1)).all()))


def _rows(item: ProbeItem, tokenizer: Any, marks: Marks) -> Iterator[tuple[list[int], int]]:
    """Each choice after the prompt: all tokens, begun as the tokenizer begins a text, and where the choice's begin."""
    prompt = item.prompt.rstrip(" ")
    asked = [*marks.prefix, *text_tokens(tokenizer, marks, prompt)]
    for choice in item.choices:
        gap = "" if choice[0].isspace() or prompt[-1].isspace() else " "
        whole = [*marks.prefix, *text_tokens(tokenizer, marks, f"{prompt}{gap}{choice}")]
        start = _common(asked, whole)
        if not max(1, len(marks.prefix)) <= start < len(whole):
            raise UsageError(f"nothing can be scored of {shown(choice)!r} behind {shown(item.prompt)!r}")
        yield whole, start


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens both begin with."""
    pairs = zip(one, other, strict=False)
    return next((place for place, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))
