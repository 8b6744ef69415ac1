"""Teacher-forced likelihood of a text, and comparisons of two models on the same tokens.

S sequences of T tokens in batches of B, vocabulary V. Negative log-likelihood in nats:
nll[s, t] = -log p(x[s, t+1] | x[s, :t+1]), T - 1 values per sequence. Tokens of text are scored, the tokenizer's
special tokens are not.
KL(base || plan) = sum over the vocabulary of p_base * (log p_base - log p_plan), averaged over scored tokens.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.inference.sequences import Sequences, in_batches, require_fit, text_means
from engine.protocol import Report
from engine.tensors.library import torch_library

if TYPE_CHECKING:
    import torch

CHUNK_ELEMENTS = 2**20
"""Elements per chunk of a float32 log-softmax: 4 MiB, so that the few live chunks stay in a CPU's cache."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Comparison of two models on the same sequences."""

    base_nll: list[float]
    """Mean NLL per sequence over its scored tokens, in nats; NaN if one of them is NaN."""
    plan_nll: list[float]
    """Mean NLL per sequence, in the order of `base_nll`."""
    kl: float
    """KL(base || plan), mean over all scored tokens, in nats. Rounding may give -1e-7 instead of 0."""
    top1_agreement: float
    """Share of scored tokens with the same most likely token in both models."""
    tokens: int
    """Number of scored tokens."""
    base_token_nll: "torch.Tensor"
    """[S, T-1]: the base's NLL of each predicted token, those that are not scored included."""
    base_not_finite: int
    """Number of scored tokens with a NaN or infinite NLL in the base."""
    plan_not_finite: int


@dataclass(frozen=True, slots=True)
class _Tokens:
    """Figures per predicted token of a batch; all [B, T-1]."""

    base_nll: "torch.Tensor"
    plan_nll: "torch.Tensor"
    kl: "torch.Tensor"
    agrees: "torch.Tensor"
    is_scored: "torch.Tensor"


def token_nll(model: Any, tokens: "torch.Tensor", batch_size: int = 1) -> "torch.Tensor":
    """Return the NLL [S, T-1] of `tokens` [S, T] in float32 on the CPU. Memory: the logits of one batch.

    Raises UsageError if the sequences are longer than the model's context, CheckpointError for tokens outside its
    vocabulary, MachineError if the memory does not suffice for one sequence.
    """
    require_fit(model, tokens)
    nll: list[torch.Tensor] = []
    with torch_library().inference_mode():
        in_batches(
            Sequences.of_text(tokens), batch_size, lambda _start, batch: nll.append(_batch_nll(model, batch.tokens))
        )
    return _joined(nll)


def compare(base: Any, plan: Any, sequences: Sequences, batch_size: int, report: Report) -> Comparison:
    """Run both models over `sequences` in batches without keeping logits.

    If both compute the same logits, differences and divergence are exactly 0. Raises like `token_nll`.
    """
    require_fit(base, sequences.tokens)
    batches: list[_Tokens] = []

    def work(start: int, batch: Sequences) -> None:
        batches.append(_compared(_logits(base, batch.tokens), _logits(plan, batch.tokens), batch))
        report(start + len(batch), len(sequences), "sequences compared")

    report(0, len(sequences), "sequences compared")
    with torch_library().inference_mode():
        in_batches(sequences, batch_size, work)
    return Comparison(
        base_nll=[mean for batch in batches for mean in text_means(batch.base_nll, batch.is_scored).tolist()],
        plan_nll=[mean for batch in batches for mean in text_means(batch.plan_nll, batch.is_scored).tolist()],
        kl=_mean([batch.kl[batch.is_scored] for batch in batches]),
        top1_agreement=_mean([batch.agrees[batch.is_scored] for batch in batches]),
        tokens=int(sequences.is_scored.sum()),
        base_token_nll=_joined([batch.base_nll for batch in batches]),
        base_not_finite=sum(_not_finite(batch.base_nll[batch.is_scored]) for batch in batches),
        plan_not_finite=sum(_not_finite(batch.plan_nll[batch.is_scored]) for batch in batches),
    )


def _batch_nll(model: Any, batch: "torch.Tensor") -> "torch.Tensor":
    logits, targets = _logits(model, batch), _targets(batch, model.device)
    log_probabilities = [_picked(logits[rows].float().log_softmax(-1), targets[rows]) for rows in _chunks(logits)]
    return _predicted(log_probabilities, batch).neg()


def _compared(base: "torch.Tensor", plan: "torch.Tensor", batch: Sequences) -> _Tokens:
    """Compare the logits [B * T, V] of `base` and `plan`."""
    targets = _targets(batch.tokens, base.device)
    base_picked, plan_picked, kl, agrees = [], [], [], []
    for rows in _chunks(base):
        ours, theirs = base[rows].float().log_softmax(-1), plan[rows].float().log_softmax(-1)
        base_picked.append(_picked(ours, targets[rows]))
        plan_picked.append(_picked(theirs, targets[rows]))
        agrees.append(ours.argmax(-1) == theirs.argmax(-1))
        kl.append(_divergence(ours, theirs))
    return _Tokens(
        _predicted(base_picked, batch.tokens).neg(),
        _predicted(plan_picked, batch.tokens).neg(),
        _predicted(kl, batch.tokens),
        _predicted(agrees, batch.tokens),
        batch.is_scored,
    )


def _logits(model: Any, batch: "torch.Tensor") -> "torch.Tensor":
    """Return the logits [B * T, V]."""
    logits: torch.Tensor = model(input_ids=batch.to(model.device), use_cache=False).logits
    return logits.flatten(0, 1)


def _targets(batch: "torch.Tensor", device: Any) -> "torch.Tensor":
    """Return the next token of each token, [B * T]; `_predicted` removes the last one of each sequence."""
    return batch.roll(-1, dims=1).flatten().to(device)


def _predicted(chunks: list["torch.Tensor"], batch: "torch.Tensor") -> "torch.Tensor":
    """Return chunks of [B * T] as [B, T-1] on the CPU, without the last token of each sequence."""
    return _joined(chunks).view(batch.shape)[:, :-1].cpu()


def _joined(parts: list["torch.Tensor"]) -> "torch.Tensor":
    joined: torch.Tensor = torch_library().cat(parts)
    return joined


def _chunks(logits: "torch.Tensor") -> Iterator[slice]:
    step = max(1, CHUNK_ELEMENTS // logits.shape[-1])
    return (slice(start, start + step) for start in range(0, len(logits), step))


def _picked(log_probabilities: "torch.Tensor", targets: "torch.Tensor") -> "torch.Tensor":
    return log_probabilities.gather(-1, targets[:, None])[:, 0]


def _divergence(base: "torch.Tensor", plan: "torch.Tensor") -> "torch.Tensor":
    """Return KL(base || plan) of each row of log-probabilities [rows, V]."""
    divergence: torch.Tensor = torch_library().linalg.vecdot(base.exp(), base - plan)
    return divergence


def _not_finite(nll: "torch.Tensor") -> int:
    return int((~torch_library().isfinite(nll)).sum())


def _mean(tokens: list["torch.Tensor"]) -> float:
    return float(_joined(tokens).double().mean())


def largest_difference(one: Any, other: Any, sequences: Sequences) -> float:
    """Return the maximum absolute difference of the logits over all tokens of `sequences`.

    Runs one sequence at a time. Raises MachineError if the memory does not suffice for one.
    """
    differences: list[float] = []
    with torch_library().inference_mode():
        in_batches(sequences, 1, lambda _start, batch: differences.append(_difference(one, other, batch)))
    return max(differences)


def _difference(one: Any, other: Any, batch: Sequences) -> float:
    logits = [model(input_ids=batch.tokens.to(model.device), use_cache=False).logits.double() for model in (one, other)]
    return float((logits[0] - logits[1]).abs().max())
