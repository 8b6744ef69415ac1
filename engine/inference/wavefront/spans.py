"""Reader of token spans: log-likelihood of an answer after its prompt, for probes.

Rows of different lengths are padded on the right, which does not affect the tokens before.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from engine.inference.wavefront.reading import Rows
from engine.tensors.library import torch_library

if TYPE_CHECKING:
    import torch


class Span(NamedTuple):
    """Tokens [start, end) of one row of a batch; start >= 1, since a row's first token has no prediction."""

    row: int
    start: int
    end: int


class SpanLikelihood:
    """Reader of the sum of log p(x[t] | x[:t]) over each span, in nats, in the order of batches and their spans."""

    compares = False

    def __init__(self, spans: Sequence[Sequence[Span]]) -> None:
        """spans: spans of each batch."""
        self._spans = spans

    def read_base(self, rows: Rows, hidden: "torch.Tensor", *, keep: bool) -> list[float]:
        assert not keep
        return self.read(rows, hidden, None)

    def read(self, rows: Rows, hidden: "torch.Tensor", _base: "torch.Tensor | None") -> list[float]:
        logits = rows.logits(hidden)
        return [self._sum(logits[span.row], rows.tokens[span.row], span) for span in self._spans[rows.number]]

    def forget(self, rows: Rows) -> None:
        pass

    def joined(self, parts: Sequence[list[float]]) -> list[float]:
        return [value for part in parts for value in part]

    def bytes_kept(self, _tokens: int, _vocabulary: int) -> int:
        return 0

    def _sum(self, logits: "torch.Tensor", tokens: "torch.Tensor", span: Span) -> float:
        """Return the sum for a span of logits [T, V] and tokens [T]."""
        predicting = logits[span.start - 1 : span.end - 1].log_softmax(-1, dtype=torch_library().float32)
        return float(predicting.gather(-1, tokens[span.start : span.end, None]).double().sum())


def padded(rows: Sequence[Sequence[int]], batch_size: int = 1, pad: int = 0) -> "list[torch.Tensor]":
    """Return rows of token ids as batches [B, T] in order, each padded on the right to its longest row."""
    torch = torch_library()
    batches = []
    for start in range(0, len(rows), batch_size):
        batch = rows[start : start + batch_size]
        longest = max(map(len, batch))
        batches.append(torch.tensor([[*row, *[pad] * (longest - len(row))] for row in batch]))
    return batches
