"""The tokenizer's marks are read by the model, and nothing that is measured counts them."""

from pathlib import Path
from typing import Any

import pytest
import torch

from engine.checkpoint.checkpoint import open_checkpoint
from engine.inference.likelihood import compare, token_nll
from engine.inference.load_model import open_model
from engine.inference.profile import profile_model
from engine.inference.sequences import Sequences
from engine.inference.wavefront.layers import ResidentLayers
from engine.inference.wavefront.readers import Likelihood
from engine.inference.wavefront.streamed import StreamedLayers
from engine.inference.wavefront.visits import visits
from engine.inference.wavefront.work import plan_work
from engine.protocol import no_report
from engine.tasks.score import METRICS
from tests.architectures import LAYERS, CheckpointOf
from tests.inference.metrics import measure_of

TOKENS = torch.randint(3, 64, (5, 20), generator=torch.Generator().manual_seed(2))
IS_TEXT = torch.ones(TOKENS.shape, dtype=torch.bool)
IS_TEXT[:, :2] = False
IS_TEXT[3, 9:12] = False
"""Two marks begin each sequence, three are in the middle of one."""
TEXT = Sequences(TOKENS, IS_TEXT)
REPEATED = visits([0, 1, 2, 1, 2, *range(3, LAYERS)])
PLENTY = 10**9


@pytest.fixture
def llama(checkpoint_of: CheckpointOf) -> Any:
    return open_model(checkpoint_of("llama"))


def scored_mean(nll: torch.Tensor) -> list[float]:
    return [float(row[counts].double().mean()) for row, counts in zip(nll, IS_TEXT[:, 1:], strict=True)]


def test_a_comparison_leaves_predictions_of_marks_out(llama: Any) -> None:
    result = compare(llama, llama, TEXT, 2, no_report)
    assert result.base_nll == pytest.approx(scored_mean(token_nll(llama, TOKENS)), abs=1e-6)
    assert result.tokens == 5 * 18 - 3


@pytest.mark.parametrize("batch_size", [1, 2, 5])
def test_a_profile_counts_tokens_of_text_alone(batch_size: int, llama: Any) -> None:
    states: list[torch.Tensor] = []
    with torch.inference_mode():
        hook = llama.model.layers[1].mlp.down_proj.register_forward_pre_hook(lambda _m, args: states.append(args[0]))
        llama(TOKENS, use_cache=False)
        hook.remove()
    activations = states[0][IS_TEXT].double()
    result = profile_model(llama, None, TEXT, batch_size, no_report)
    neurons = result.neurons[1]
    assert (result.tokens, neurons.count) == (5 * 18 - 3, 5 * 18 - 3)
    assert list(neurons.mean) == pytest.approx(activations.mean(0).tolist(), abs=1e-7)
    assert [abs(peak) for peak in neurons.peak] == pytest.approx(activations.abs().amax(0).tolist(), rel=1e-6)
    peaks = [states[0][place] for place in zip(neurons.peak_sequence, neurons.peak_position, strict=True)]
    assert [float(row[neuron]) for neuron, row in enumerate(peaks)] == pytest.approx(list(neurons.peak))
    assert sum(neurons.histogram.counts) == activations.numel() if neurons.histogram else False


@pytest.mark.parametrize("name", METRICS.values())
def test_a_metric_does_not_depend_on_special_tokens(name: str, llama: Any) -> None:
    """What a mark in the middle of a sequence is changes what follows it, but the last token's own place counts."""
    last = Sequences(TOKENS, IS_TEXT.clone())
    last.is_text[:, -1] = False
    other = TOKENS.clone()
    other[:, -1] = (TOKENS[:, -1] + 7) % 60 + 3
    changed = Sequences(other, last.is_text)
    blocks = [(1, 3)]
    result, without = (measure_of(name)(llama, each, blocks, 5, no_report)[1, 3] for each in (last, changed))
    assert result == without
    assert result != measure_of(name)(llama, TEXT, blocks, 5, no_report)[1, 3]


@pytest.mark.parametrize("where", ["resident", "streamed", "together"])
def test_a_sweep_reads_what_a_plain_pass_gives_at_tokens_of_text(where: str, llama: Any, checkpoint_of: Any) -> None:
    checkpoint = open_checkpoint(checkpoint_of("llama"))
    layers = StreamedLayers(checkpoint, "float32", "cpu") if where == "streamed" else ResidentLayers(checkpoint, llama)
    batches = list(TEXT.split(1))
    reader = Likelihood([batch.is_scored for batch in batches])
    work = plan_work(layers, [REPEATED], [batch.tokens for batch in batches], reader, PLENTY, 1 + (where == "together"))
    read: dict[int, Any] = {}
    work.run(no_report, read.__setitem__)
    plain = token_nll(llama, TOKENS)
    assert read[-1].nll.isnan().equal(~IS_TEXT[:, 1:])
    assert read[-1].nll[IS_TEXT[:, 1:]].equal(plain[IS_TEXT[:, 1:]])
    assert read[0].kl.isfinite().all()
    assert ((read[0].top1 >= 0) & (read[0].top1 <= 1)).all()


def test_nan_of_a_plan_is_infinite_and_not_confused_with_marks(checkpoint_of: CheckpointOf, llama: Any) -> None:
    checkpoint = open_checkpoint(Path(checkpoint_of("llama")))
    with torch.no_grad():
        llama.lm_head.weight.fill_(torch.nan)
    batches = list(TEXT.split(5))
    reader = Likelihood([batch.is_scored for batch in batches])
    work = plan_work(ResidentLayers(checkpoint, llama), [], [batch.tokens for batch in batches], reader, PLENTY)
    read: dict[int, Any] = {}
    work.run(no_report, read.__setitem__)
    assert read[-1].nll.isinf().equal(IS_TEXT[:, 1:])
