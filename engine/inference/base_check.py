"""Runs a base on a few sequences in its tokenizer's way and otherwise: is it measured as it is meant to be used?

T tokens in a sequence. The same tokens are predicted in sequences begun by the tokenizer's prefix and without it (or,
where it adds none, with the beginning-of-text token that it knows), and behind T more tokens of their document.
Cost: 4 sequences of at most 64 tokens twice, and one of 2 T and of T tokens.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.inference.marks import text_tokens
from engine.inference.sampling import Sample
from engine.inference.wavefront.likelihood import Likelihood
from engine.inference.wavefront.reading import Rows
from engine.tensors.library import torch_library

if TYPE_CHECKING:
    import torch

SEQUENCES = 4
TOKENS = 64
"""Maximum number of tokens in each of these sequences."""
_SETTLED = 4
"""One part in so many is not compared: the first tokens of a sequence are predicted badly whatever begins it."""

Nll = Callable[["Sequence[torch.Tensor]"], "Sequence[torch.Tensor]"]
"""From batches of token ids [B, T], not all of one shape, to the NLL [B, T-1] of each token after the first."""


@dataclass(frozen=True, slots=True)
class Beginnings:
    """The same tokens in sequences begun in two ways."""

    other_begin: tuple[int, ...]
    own_nll: float
    other_nll: float


@dataclass(frozen=True, slots=True)
class Contexts:
    """The same tokens in sequences of T and of 2 T tokens."""

    short_nll: float
    long_nll: float


class BaseReader:
    """Reads the base's NLL, from batches that need not be of one shape."""

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


class _Pair(NamedTuple):
    """Two batches whose last `compared` predictions of each row are of the same tokens."""

    own: "torch.Tensor"
    other: "torch.Tensor"
    counts: "torch.Tensor"
    """[B, compared]"""


def checked(sample: Sample, tokenizer: Any, context: int | None, nll: Nll) -> tuple[Beginnings | None, Contexts | None]:
    """context: tokens that the model was made for, where that is known. None for what cannot be tried."""
    other_begin = _other_begin(sample, tokenizer)
    pairs = [
        None if other_begin is None else _beginnings(sample, other_begin),
        _contexts(sample, tokenizer, context),
    ]
    batches = [batch for pair in pairs if pair is not None for batch in pair[:2]]
    read = iter(nll(batches))
    means = [None if pair is None else (_mean(next(read), pair), _mean(next(read), pair)) for pair in pairs]
    begun, lengths = means
    return (
        None if begun is None or other_begin is None else Beginnings(other_begin, *begun),
        None if lengths is None else Contexts(*lengths),
    )


def _other_begin(sample: Sample, tokenizer: Any) -> tuple[int, ...] | None:
    if sample.marks.prefix:
        return ()
    known = (getattr(tokenizer, name, None) for name in ("bos_token_id", "eos_token_id"))
    return next(((token,) for token in known if token is not None), None)


def _beginnings(sample: Sample, other_begin: tuple[int, ...]) -> _Pair | None:
    some, prefix = sample.sequences[:SEQUENCES], len(sample.marks.prefix)
    tokens, is_text = some.tokens[:, :TOKENS], some.is_text[:, :TOKENS]
    compared = tokens.shape[1] - 1 - max(prefix, tokens.shape[1] // _SETTLED)
    if compared < 1:
        return None
    begin = tokens.new_tensor(other_begin * len(tokens)).view(len(tokens), len(other_begin))
    return _Pair(tokens, torch_library().cat([begin, tokens[:, prefix:]], 1), is_text[:, -compared:])


def _contexts(sample: Sample, tokenizer: Any, context: int | None) -> _Pair | None:
    prefix, short = sample.marks.prefix, sample.sequences.seq_len
    compared = short - len(prefix) - 1
    if compared < 1 or (context is not None and context < 2 * short):
        return None
    of_documents = (
        text_tokens(tokenizer, sample.marks, document.text) for document in sample.documents if not document.messages
    )
    text = next((tokens for tokens in of_documents if len(tokens) >= 2 * short), None)
    if text is None:
        return None
    row = [*prefix, *text][: 2 * short]
    tensor = torch_library().tensor
    alone = [*prefix, *row[len(prefix) - short :]]
    return _Pair(tensor([alone]), tensor([row]), tensor([[True] * compared]))


def _mean(nll: "torch.Tensor", pair: _Pair) -> float:
    compared = pair.counts.shape[1]
    return float(nll[:, -compared:][pair.counts].double().mean())
