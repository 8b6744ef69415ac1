"""Health check of a base: a few sequences run in its tokenizer's way and in other ways.

T tokens in a sequence. The same tokens are predicted in sequences with the tokenizer's prefix and without it (or, where
it adds none, with the beginning-of-text token that it knows), and with a context of T and of T / 2 tokens.
Cost: 4 sequences of at most 64 tokens and about 128 tokens in sequences of T / 2, besides the base's own pass over the
first 4 sequences, which a preview makes anyway.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.inference.sampling import Sample
from engine.inference.wavefront.readers import Likelihood, Rows
from engine.tensors.library import torch_library

if TYPE_CHECKING:
    import torch

SEQUENCES = 4
TOKENS = 64
"""Maximum number of tokens in each of these sequences."""
_SHORT_TOKENS = 128
"""Number of tokens in the sequences of half the length, all together, as far as SEQUENCES of them suffice."""
_SETTLED = 4
"""Inverse of the share of each sequence that is skipped: its first tokens are predicted badly with any prefix."""

Nll = Callable[["Sequence[torch.Tensor]"], "Sequence[torch.Tensor]"]
"""Function from batches of token ids [B, T], of varying shapes, to the NLL [B, T-1] of all tokens but the first."""


@dataclass(frozen=True, slots=True)
class PrefixComparison:
    """NLL of the same tokens with the tokenizer's prefix and with another one."""

    other_prefix: tuple[int, ...]
    own_nll: float
    other_nll: float


@dataclass(frozen=True, slots=True)
class LengthComparison:
    """NLL of the same tokens in sequences of T / 2 and of T tokens."""

    short_tokens: int
    short_nll: float
    long_nll: float


class BaseReader:
    """Reader of the base's NLL; batches may differ in shape."""

    compares = False

    def __init__(self) -> None:
        self._likelihood = Likelihood()

    def read_base(self, rows: Rows, hidden: "torch.Tensor", *, keep: bool) -> "torch.Tensor":
        return self._likelihood.read_base(rows, hidden, keep=keep)[0]

    def read(self, rows: Rows, hidden: "torch.Tensor", _base: "torch.Tensor | None") -> "torch.Tensor":
        return self.read_base(rows, hidden, keep=False)

    def forget(self, rows: Rows) -> None:
        pass

    def joined(self, parts: "Sequence[torch.Tensor]") -> "list[torch.Tensor]":
        return list(parts)

    def bytes_kept(self, _tokens: int, _vocabulary: int) -> int:
        return 0


class _Variant(NamedTuple):
    """Sequences whose last `compared` predictions of each row are of the same tokens as in the sample's sequences."""

    tokens: "torch.Tensor"
    end: int
    """Number of tokens of the sample's sequences up to the last compared one."""
    counts: "torch.Tensor"
    """[B, compared]: mask of the predictions that count."""


def compare_base(
    sample: Sample, tokenizer: Any, nll: Nll, own: "torch.Tensor | None" = None
) -> tuple[PrefixComparison | None, LengthComparison | None]:
    """Compare the base's NLL with that in other sequences; None for a comparison that is impossible.

    own: NLL [S, T-1] of the sample's first S sequences or more; None to run the first SEQUENCES of them.
    """
    other_prefix = _other_prefix(sample, tokenizer)
    prefix_variant = None if other_prefix is None else _prefix_variant(sample, other_prefix)
    half_variant = _half_variant(sample)
    variants = [variant for variant in (prefix_variant, half_variant) if variant is not None]
    known = [] if own is not None else [sample.sequences.tokens[:SEQUENCES]]
    read = list(nll([*known, *(variant.tokens for variant in variants)]))
    own = own if own is not None else read.pop(0)
    means = {id(variant): _means(own, other, variant) for variant, other in zip(variants, read, strict=True)}
    return (
        PrefixComparison(other_prefix, *means[id(prefix_variant)])
        if prefix_variant is not None and other_prefix is not None
        else None,
        _length_comparison(half_variant, *means[id(half_variant)]) if half_variant is not None else None,
    )


def in_pieces(nll: Nll, rows: int, batches: "Sequence[torch.Tensor]") -> "list[torch.Tensor]":
    """Return the NLL of `batches`, run in pieces of at most `rows` rows."""
    results = iter(nll([batch[start : start + rows] for batch in batches for start in range(0, len(batch), rows)]))
    return [torch_library().cat([next(results) for _ in range(0, len(batch), rows)]) for batch in batches]


def _length_comparison(half_variant: _Variant, long_nll: float, short_nll: float) -> LengthComparison:
    return LengthComparison(half_variant.tokens.shape[1], short_nll, long_nll)


def _other_prefix(sample: Sample, tokenizer: Any) -> tuple[int, ...] | None:
    if sample.marks.prefix:
        return ()
    known = (getattr(tokenizer, name, None) for name in ("bos_token_id", "eos_token_id"))
    return next(((token,) for token in known if token is not None), None)


def _prefix_variant(sample: Sample, other_prefix: tuple[int, ...]) -> _Variant | None:
    some, prefix = sample.sequences[:SEQUENCES], len(sample.marks.prefix)
    tokens, is_text = some.tokens[:, :TOKENS], some.is_text[:, :TOKENS]
    end = tokens.shape[1]
    compared = end - 1 - max(prefix, end // _SETTLED)
    if compared < 1:
        return None
    return _Variant(_with_prefix(other_prefix, tokens[:, prefix:]), end, is_text[:, -compared:])


def _half_variant(sample: Sample) -> _Variant | None:
    """Return the second half of each sequence, after the tokenizer's prefix."""
    prefix, end = sample.marks.prefix, sample.sequences.seq_len
    short = end // 2
    compared = short - len(prefix) - 1
    if compared < 1:
        return None
    some = sample.sequences[: max(1, min(SEQUENCES, _SHORT_TOKENS // short))]
    return _Variant(_with_prefix(prefix, some.tokens[:, len(prefix) - short :]), end, some.is_text[:, -compared:])


def _with_prefix(begin: tuple[int, ...], tokens: "torch.Tensor") -> "torch.Tensor":
    prefix = tokens.new_tensor(begin * len(tokens)).view(len(tokens), len(begin))
    joined: torch.Tensor = torch_library().cat([prefix, tokens], 1)
    return joined


def _means(own: "torch.Tensor", other: "torch.Tensor", variant: _Variant) -> tuple[float, float]:
    """Return the mean NLL of the tokens that both predict, in the sample's sequences and in the variant."""
    rows, compared = variant.counts.shape
    same = own[:rows, : variant.end - 1][:, -compared:]
    return _mean(same, variant.counts), _mean(other[:, -compared:], variant.counts)


def _mean(nll: "torch.Tensor", counts: "torch.Tensor") -> float:
    return float(nll[counts].double().mean())
