"""How likely a model finds a text: teacher-forced, token by token, and two models compared on the same tokens.

S sequences of T tokens in batches of B, vocabulary V. Negative log-likelihood in nats:
nll[s, t] = -log p(x[s, t+1] | x[s, :t+1]), so a sequence has T - 1 of them. Those of text count, those of the
tokenizer's marks do not.
KL(base || plan) = sum over the vocabulary of p_base * (log p_base - log p_plan), mean over all predictions that count.
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
"""Elements of a float32 log-softmax held at once: 4 MiB each, a few of them live, so they stay in a CPU's cache."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models on the same sequences."""

    base_nll: list[float]
    """For each sequence, the mean over its predictions that count, in nats; NaN where one of them is."""
    plan_nll: list[float]
    """Paired with `base_nll`."""
    kl: float
    """KL(base || plan), mean over all predictions that count, in nats. Rounding may leave -1e-7 where it is 0."""
    top1_agreement: float
    """Share of predicted tokens at which both models find the same token most likely."""
    tokens: int
    """Predictions that count."""
    base_token_nll: "torch.Tensor"
    """[S, T-1]: the base's NLL of each predicted token, those that do not count included."""
    base_not_finite: int
    """How many of them the base computes as NaN or infinity."""
    plan_not_finite: int


@dataclass(frozen=True, slots=True)
class _Tokens:
    """What is known of each predicted token of a batch; all [B, T-1]."""

    base_nll: "torch.Tensor"
    plan_nll: "torch.Tensor"
    kl: "torch.Tensor"
    agrees: "torch.Tensor"
    is_scored: "torch.Tensor"


def token_nll(model: Any, tokens: "torch.Tensor", batch_size: int = 1) -> "torch.Tensor":
    """[S, T-1] in float32, on the CPU, for `tokens` [S, T]; the logits of one batch are in memory.

    Raises UsageError when the sequences are longer than the model's context, CheckpointError for tokens it does not
    know, MachineError when there is too little memory for one sequence.
    """
    require_fit(model, tokens)
    found: list[torch.Tensor] = []
    with torch_library().inference_mode():
        in_batches(
            Sequences.of_text(tokens), batch_size, lambda _start, batch: found.append(_batch_nll(model, batch.tokens))
        )
    return _joined(found)


def compare(base: Any, plan: Any, sequences: Sequences, batch_size: int, report: Report) -> Comparison:
    """Run both models over `sequences`, batch by batch; no logits are kept.

    Where both compute the same logits, the differences and the divergence are exactly 0. Raises like `token_nll`.
    """
    require_fit(base, sequences.tokens)
    found: list[_Tokens] = []

    def work(start: int, batch: Sequences) -> None:
        found.append(_compared(_logits(base, batch.tokens), _logits(plan, batch.tokens), batch))
        report(start + len(batch), len(sequences), "sequences compared")

    report(0, len(sequences), "sequences compared")
    with torch_library().inference_mode():
        in_batches(sequences, batch_size, work)
    return Comparison(
        base_nll=[mean for tokens in found for mean in text_means(tokens.base_nll, tokens.is_scored).tolist()],
        plan_nll=[mean for tokens in found for mean in text_means(tokens.plan_nll, tokens.is_scored).tolist()],
        kl=_mean([tokens.kl[tokens.is_scored] for tokens in found]),
        top1_agreement=_mean([tokens.agrees[tokens.is_scored] for tokens in found]),
        tokens=int(sequences.is_scored.sum()),
        base_token_nll=_joined([tokens.base_nll for tokens in found]),
        base_not_finite=sum(_not_finite(tokens.base_nll[tokens.is_scored]) for tokens in found),
        plan_not_finite=sum(_not_finite(tokens.plan_nll[tokens.is_scored]) for tokens in found),
    )


def _batch_nll(model: Any, batch: "torch.Tensor") -> "torch.Tensor":
    logits, targets = _logits(model, batch), _targets(batch, model.device)
    found = [_picked(logits[rows].float().log_softmax(-1), targets[rows]) for rows in _chunks(logits)]
    return _predicted(found, batch).neg()


def _compared(base: "torch.Tensor", plan: "torch.Tensor", batch: Sequences) -> _Tokens:
    """`base` and `plan` are logits [B * T, V]."""
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
    """[B * T, V]"""
    logits: torch.Tensor = model(input_ids=batch.to(model.device), use_cache=False).logits
    return logits.flatten(0, 1)


def _targets(batch: "torch.Tensor", device: Any) -> "torch.Tensor":
    """[B * T]: the token after each; what stands for the last one of a sequence is cut off by `_predicted`."""
    return batch.roll(-1, dims=1).flatten().to(device)


def _predicted(chunks: list["torch.Tensor"], batch: "torch.Tensor") -> "torch.Tensor":
    """[B, T-1] on the CPU, from chunks of [B * T]: nothing follows the last token of a sequence."""
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
    """KL(base || plan) at each row of log-probabilities [rows, V]."""
    divergence: torch.Tensor = torch_library().linalg.vecdot(base.exp(), base - plan)
    return divergence


def _not_finite(nll: "torch.Tensor") -> int:
    return int((~torch_library().isfinite(nll)).sum())


def _mean(tokens: list["torch.Tensor"]) -> float:
    return float(_joined(tokens).double().mean())


def largest_difference(one: Any, other: Any, sequences: Sequences) -> float:
    """The largest |difference| between the logits of both at every token of `sequences`, one sequence at a time.

    Raises MachineError when the memory does not suffice for one.
    """
    found: list[float] = []
    with torch_library().inference_mode():
        in_batches(sequences, 1, lambda _start, batch: found.append(_difference(one, other, batch)))
    return max(found)


def _difference(one: Any, other: Any, batch: Sequences) -> float:
    logits = [model(input_ids=batch.tokens.to(model.device), use_cache=False).logits.double() for model in (one, other)]
    return float((logits[0] - logits[1]).abs().max())
