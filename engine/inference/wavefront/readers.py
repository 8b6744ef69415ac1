"""Readers, which evaluate a plan's last hidden states batch by batch and join the parts to a value.

`Likelihood` reads packed text: NLL of a plan, and KL divergence and top-1 agreement with the base. All figures use one
log-softmax in float32, in chunks of rows that fit a CPU's cache. The base's probabilities and the term of the
divergence that depends on the base alone are kept:

    KL(base || plan) = sum_v p_base(v) log p_base(v) - sum_v p_base(v) log p_plan(v)

so that a plan needs one product with them and only its own logits. A plan whose computation equals the base's has a
divergence of exactly 0. The rounding error in float32 is about 1e-6 per position.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf, nan
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeVar

from engine.inference.likelihood import CHUNK_ELEMENTS
from engine.inference.sequences import Sequences, text_means
from engine.tensors.library import torch_library

if TYPE_CHECKING:
    import torch

Part = TypeVar("Part")
Value = TypeVar("Value", covariant=True)

_GPU_CHUNK_ELEMENTS = 2**26
"""256 MiB in float32: small steps are slow on a GPU."""


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


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures of a plan on S sequences of T tokens; all on the CPU in float32."""

    nll: "torch.Tensor"
    """[S, T-1], nats: -log p(x[t+1] | x[:t+1]). NaN where x[t+1] is not scored, infinity if the plan produces NaN."""
    kl: "torch.Tensor"
    """[S], nats: KL(base || plan), mean over a sequence's scored tokens; 0 for the base."""
    top1: "torch.Tensor"
    """[S]: share of scored tokens with the same most likely token in base and plan."""


@dataclass(frozen=True, slots=True)
class _Base:
    """The base's predictions in a chunk of rows."""

    probabilities: "torch.Tensor"
    """[rows, V]"""
    negative_entropy: "torch.Tensor"
    """[rows]"""
    first: "torch.Tensor"
    """[rows]: the most likely token."""

    @classmethod
    def of(cls, log_probabilities: "torch.Tensor") -> "_Base":
        """Return the predictions of `log_probabilities` [rows, V], which are overwritten."""
        first = log_probabilities.argmax(-1)
        probabilities = log_probabilities.exp()
        return cls(probabilities, _dot(probabilities, log_probabilities), first)


LikelihoodPart: TypeAlias = tuple["torch.Tensor", "torch.Tensor", "torch.Tensor"]
"""NLL [B, T-1], KL [B], top-1 [B] of a batch."""


class Likelihood:
    """Reader of Figures from batches without padding, all of one length."""

    compares = True

    def __init__(self, is_scored: "Sequence[torch.Tensor] | None" = None) -> None:
        """is_scored: mask [B, T-1] of the scored tokens of each batch; None for all."""
        self._is_scored = is_scored
        self._kept: dict[int, list[_Base]] = {}
        """Chunks of the base's predictions by number of the batch."""

    def read_base(self, rows: Rows, hidden: "torch.Tensor", *, keep: bool) -> LikelihoodPart:
        nll = []
        kept = self._kept.setdefault(rows.number, []) if keep else None
        for log_probabilities, targets in _predictions(rows, hidden):
            nll.append(_picked(log_probabilities, targets))
            if kept is not None:
                kept.append(_Base.of(log_probabilities))
        zero = rows.tokens.new_zeros(len(rows.tokens), dtype=torch_library().float32).cpu()
        return self._scored_nll(nll, rows), zero, zero + 1

    def read(self, rows: Rows, hidden: "torch.Tensor", base: "torch.Tensor | None") -> LikelihoodPart:
        known = self._kept[rows.number] if base is None else _computed(rows, base)
        nll, divergence, agrees = [], [], []
        for of_base, (log_probabilities, targets) in zip(known, _predictions(rows, hidden), strict=True):
            nll.append(_picked(log_probabilities, targets))
            divergence.append(of_base.negative_entropy - _dot(of_base.probabilities, log_probabilities))
            agrees.append(_picked(log_probabilities, of_base.first) == log_probabilities.amax(-1))
        counts = self._counts(rows)
        return (
            self._scored_nll(nll, rows),
            text_means(_of_batch(divergence, rows), counts).float(),
            text_means(_of_batch(agrees, rows), counts).float(),
        )

    def _counts(self, rows: Rows) -> "torch.Tensor":
        """Return the mask [B, T-1] of the scored tokens."""
        if self._is_scored is not None:
            return self._is_scored[rows.number]
        return Sequences.of_text(rows.tokens).is_scored.cpu()

    def _scored_nll(self, chunks: "list[torch.Tensor]", rows: Rows) -> "torch.Tensor":
        nll = _of_batch(chunks, rows).neg()
        return nll.nan_to_num(nan=inf, posinf=inf).masked_fill(~self._counts(rows), nan)

    def forget(self, rows: Rows) -> None:
        self._kept.pop(rows.number, None)

    def joined(self, parts: Sequence[LikelihoodPart]) -> Figures:
        nll, kl, top1 = map(torch_library().cat, zip(*parts, strict=True))
        return Figures(nll, kl, top1)

    def bytes_kept(self, tokens: int, vocabulary: int) -> int:
        return tokens * vocabulary * 4


def _computed(rows: Rows, base: "torch.Tensor") -> Iterator[_Base]:
    return (_Base.of(log_probabilities) for log_probabilities, _ in _predictions(rows, base))


def _predictions(rows: Rows, hidden: "torch.Tensor") -> "Iterator[tuple[torch.Tensor, torch.Tensor]]":
    """Yield log-probabilities [rows, V] in float32 and target tokens [rows] for each chunk of each sequence.

    A sequence's last token has no target and is skipped.
    """
    logits = rows.logits(hidden)
    step = max(1, (CHUNK_ELEMENTS if logits.device.type == "cpu" else _GPU_CHUNK_ELEMENTS) // logits.shape[-1])
    for row, tokens in zip(logits, rows.tokens, strict=True):
        for start in range(0, len(tokens) - 1, step):
            chunk = slice(start, min(start + step, len(tokens) - 1))
            yield _log_softmax(row[chunk]), tokens[chunk.start + 1 : chunk.stop + 1]


def _log_softmax(logits: "torch.Tensor") -> "torch.Tensor":
    log_probabilities: torch.Tensor = logits.log_softmax(-1, dtype=torch_library().float32)
    return log_probabilities


def _picked(log_probabilities: "torch.Tensor", tokens: "torch.Tensor") -> "torch.Tensor":
    return log_probabilities.gather(-1, tokens[:, None])[:, 0]


def _dot(one: "torch.Tensor", other: "torch.Tensor") -> "torch.Tensor":
    product: torch.Tensor = torch_library().linalg.vecdot(one, other)
    return product


def _of_batch(chunks: "list[torch.Tensor]", rows: Rows) -> "torch.Tensor":
    """Join chunks of the rows to [B, T-1] on the CPU."""
    joined: torch.Tensor = torch_library().cat(chunks)
    return joined.view(len(rows.tokens), -1).cpu()
