"""Check of the base: NLL with and without the tokenizer's prefix, and with longer context.

With T tokens per sequence, the same tokens are predicted with the tokenizer's prefix and without it (or, for a
tokenizer without a prefix, with its beginning-of-text token), and after T more tokens of their document.
Cost: 4 sequences of at most 64 tokens twice, and sequences of T and 2 T tokens.
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
"""Maximum number of tokens per sequence."""
_SETTLED = 4
"""The first 1/_SETTLED of each sequence is not compared, because its tokens are predicted badly with any prefix."""

Nll = Callable[["Sequence[torch.Tensor]"], "Sequence[torch.Tensor]"]
"""Function from batches of token ids [B, T], of varying shapes, to the NLL [B, T-1] of all tokens but the first."""


@dataclass(frozen=True, slots=True)
class Beginnings:
    """NLL of the same tokens with the tokenizer's prefix and with another one."""

    other_begin: tuple[int, ...]
    own_nll: float
    other_nll: float


@dataclass(frozen=True, slots=True)
class Contexts:
    """NLL of the same tokens in sequences of T and of 2 T tokens."""

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


class _Pair(NamedTuple):
    """Two batches with the same last `compared` target tokens in each row."""

    own: "torch.Tensor"
    other: "torch.Tensor"
    counts: "torch.Tensor"
    """[B, compared] bool: the tokens that are scored."""


def checked(sample: Sample, tokenizer: Any, context: int | None, nll: Nll) -> tuple[Beginnings | None, Contexts | None]:
    """Compare prefixes and context lengths; None for a comparison that is not possible.

    context: context length of the model in tokens, if known.
    """
    other_begin = _other_begin(sample, tokenizer)
    pairs = [
        None if other_begin is None else _beginnings(sample, other_begin),
        _contexts(sample, tokenizer, context),
    ]
    batches = [batch for pair in pairs if pair is not None for batch in pair[:2]]
    results = iter(nll(batches))
    means = [None if pair is None else (_mean(next(results), pair), _mean(next(results), pair)) for pair in pairs]
    prefixes, lengths = means
    return (
        None if prefixes is None or other_begin is None else Beginnings(other_begin, *prefixes),
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
