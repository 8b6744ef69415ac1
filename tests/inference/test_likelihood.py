import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional

from engine.errors import UsageError
from engine.inference import likelihood
from engine.inference.likelihood import Comparison, compare, token_nll
from engine.inference.load_model import open_model
from engine.inference.sequences import Sequences
from engine.inference.virtual import open_sources, virtual_model
from engine.protocol import no_report
from tests.architectures import CheckpointOf
from tests.inference.stacks import logits, stack_of

SEQUENCES = torch.randint(3, 64, (7, 20), generator=torch.Generator().manual_seed(9))
TEXT = Sequences.of_text(SEQUENCES)
INERT = {2: 0.0, 5: 0.0}
"""Places of the stack below that repeat a layer."""
FAMILIES = ["llama", "gemma2", "qwen3-moe", "gpt2", "cohere2"]


def compared(source: Path, layers: tuple[int, ...], scales: dict[int, float], **settings: Any) -> Comparison:
    stack = stack_of(source, layers, scales)
    sources = open_sources(stack, settings.get("dtype", "auto"))
    return compare(sources[stack.config_donor], virtual_model(stack, sources), TEXT, 3, no_report)


def by_hand(model: Any) -> torch.Tensor:
    """Log-probabilities [S, T-1, V] of what follows each token."""
    return functional.log_softmax(logits(model, SEQUENCES)[:, :-1].double(), -1)


@pytest.mark.parametrize("batch_size", [1, 3, 7, 100])
def test_the_nll_of_each_token_is_the_cross_entropy(batch_size: int, checkpoint_of: CheckpointOf) -> None:
    model = open_model(checkpoint_of("llama"))
    expected = functional.nll_loss(by_hand(model).transpose(1, 2), SEQUENCES[:, 1:], reduction="none")
    result = token_nll(model, SEQUENCES, batch_size)
    assert result.shape == (7, 19)
    assert result.dtype == torch.float32
    torch.testing.assert_close(result.double(), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("rows", [1, 7, 10_000])
def test_chunks_of_any_size_give_the_same_figures(
    rows: int, checkpoint_of: CheckpointOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = open_model(checkpoint_of("llama"))
    expected = token_nll(model, SEQUENCES, 3)
    monkeypatch.setattr(likelihood, "CHUNK_ELEMENTS", rows * 64)
    assert torch.equal(token_nll(model, SEQUENCES, 3), expected)


def test_a_comparison_gives_both_likelihoods_the_divergence_and_the_agreement(checkpoint_of: CheckpointOf) -> None:
    stack = stack_of(checkpoint_of("llama"))
    sources = open_sources(stack)
    base, plan = sources[stack.config_donor], virtual_model(stack, sources)
    result = compare(base, plan, TEXT, 2, no_report)
    ours, theirs = by_hand(base), by_hand(plan)
    divergence = (ours.exp() * (ours - theirs)).sum(-1)
    agreement = (ours.argmax(-1) == theirs.argmax(-1)).double()
    assert result.base_nll == pytest.approx(token_nll(base, SEQUENCES).mean(1).tolist(), abs=1e-5)
    assert result.plan_nll == pytest.approx(token_nll(plan, SEQUENCES).mean(1).tolist(), abs=1e-5)
    assert math.isclose(result.kl, divergence.mean().item(), rel_tol=1e-4)
    assert math.isclose(result.top1_agreement, agreement.mean().item(), abs_tol=1e-9)
    assert result.tokens == 7 * 19


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("family", FAMILIES)
def test_an_identity_plan_changes_exactly_nothing(family: str, dtype: str, checkpoint_of: CheckpointOf) -> None:
    assert_unchanged(compared(checkpoint_of(family), tuple(range(6)), {}, dtype=dtype))


@pytest.mark.parametrize("family", FAMILIES)
def test_layers_scaled_to_zero_change_exactly_nothing(family: str, checkpoint_of: CheckpointOf) -> None:
    assert_unchanged(compared(checkpoint_of(family), (0, 1, 1, 2, 3, 3, 4, 5), INERT))


def assert_unchanged(result: Comparison) -> None:
    assert result.base_nll == result.plan_nll
    assert result.kl == 0.0
    assert result.top1_agreement == 1.0


def test_progress_counts_sequences(checkpoint_of: CheckpointOf) -> None:
    seen = list[tuple[int, int]]()
    model = open_model(checkpoint_of("llama"))
    compare(model, model, TEXT, 3, lambda done, total, _what: seen.append((done, total)))
    assert seen == [(0, 7), (3, 7), (6, 7), (7, 7)]


def test_sequences_beyond_the_models_context_are_refused(checkpoint_of: CheckpointOf) -> None:
    with pytest.raises(UsageError, match="too long"):
        token_nll(open_model(checkpoint_of("llama")), torch.zeros((16, 65), dtype=torch.long))
