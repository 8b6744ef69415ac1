"""A profile says what a plain implementation says that keeps every hidden state and every activation."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from engine.errors import CheckpointError, MachineError, UsageError
from engine.inference import running_statistics
from engine.inference.decoder_layers import layer_modules
from engine.inference.forward_hooks import FUSED_EXPERTS
from engine.inference.profile import Profile, profile_model
from engine.inference.running_statistics import NeuronSums
from engine.inference.sequences import Sequences
from engine.inference.tokenizer import contexts
from engine.protocol import no_report
from tests.architectures import LAYERS, CheckpointOf, every_family

SEQUENCES = torch.randint(3, 64, (6, 20), generator=torch.Generator().manual_seed(11))
TEXT = Sequences.of_text(SEQUENCES)
DENSE = {
    "llama": "mlp.down_proj",
    "gemma3": "mlp.down_proj",
    "phi": "mlp.fc2",
    "gpt2": "mlp.c_proj",
    "lfm2": "feed_forward.w2",
    "falcon": "mlp.dense_4h_to_h",
    "opt": "fc2",
    "recurrent-gemma": "mlp_block.down_proj",
}
"""Families of different make, and what the down projection of their first layer is called."""
WITHOUT_SHARED_EXPERT = {"mixtral", "gpt-oss", "olmoe", "granitemoe", "jetmoe", "qwen3-moe"}
"""Families with layers that have nothing but fused experts."""
DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")),
]

Opened = Callable[..., Any]


@pytest.fixture
def opened(checkpoint_of: CheckpointOf) -> Opened:
    def open_family(family: str, dtype: torch.dtype = torch.float32, device: str = "cpu") -> Any:
        return AutoModelForCausalLM.from_pretrained(checkpoint_of(family), dtype=dtype).to(device).eval()

    return open_family


def profiled(model: Any, batch_size: int = 4) -> Profile:
    return profile_model(model, None, TEXT, batch_size, no_report)


def layers_of(model: Any) -> Any:
    return layer_modules(model, LAYERS)


def stored_boundaries(model: Any) -> list[numpy.ndarray]:
    """B_0..B_N, each [tokens, D] in float64."""
    stored: list[Any] = []
    hooks = [
        layer.register_forward_hook(lambda _module, args, output: stored.append((args, output)), with_kwargs=False)
        for layer in layers_of(model)
    ]
    run_all(model, hooks)
    first = stored[0][0][0]
    outputs = [output[0] if isinstance(output, tuple) else output for _, output in stored]
    return [hidden.double().flatten(0, 1).cpu().numpy() for hidden in (first, *outputs)]


def stored_activations(model: Any, name: str) -> list[numpy.ndarray]:
    """For each layer, [tokens, I] in float64."""
    stored: list[Any] = []
    hooks = [
        layer.get_submodule(name).register_forward_pre_hook(lambda _module, args: stored.append(args[0]))
        for layer in layers_of(model)
    ]
    run_all(model, hooks)
    return [activations.double().flatten(0, -2).cpu().numpy() for activations in stored]


def run_all(model: Any, hooks: list[Any]) -> None:
    """All sequences as one batch."""
    with torch.inference_mode():
        model(SEQUENCES.to(model.device), use_cache=False)
    for hook in hooks:
        hook.remove()


def cosine(a: numpy.ndarray, b: numpy.ndarray) -> numpy.ndarray:
    return (a * b).sum(1) / numpy.linalg.norm(a, axis=1) / numpy.linalg.norm(b, axis=1)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("family", ["llama", "gemma3", "falcon", "qwen3-moe", "gpt2", "bamba"])
def test_layer_figures_are_those_of_stored_hidden_states(
    family: str, dtype: torch.dtype, device: str, opened: Opened
) -> None:
    model = opened(family, dtype, device)
    states, result = stored_boundaries(model), profiled(model, len(SEQUENCES))
    for layer, (before, after) in enumerate(pairwise(states)):
        norm, update = numpy.linalg.norm(before, axis=1), numpy.linalg.norm(after - before, axis=1)
        figures = result.layers[layer]
        assert figures.layer == layer
        assert figures.block_influence == pytest.approx((1 - cosine(before, after)).mean(), abs=1e-5)
        assert figures.relative_update == pytest.approx((update / norm).mean(), rel=1e-6)
        assert figures.update_norm == pytest.approx(update.mean(), rel=1e-6)
        assert figures.input_norm == pytest.approx(norm.mean(), rel=1e-6)


@pytest.mark.parametrize("family", ["llama", "gemma3", "falcon", "qwen3-moe"])
def test_every_block_has_the_angular_distance_of_its_stored_ends(family: str, opened: Opened) -> None:
    model = opened(family)
    states, result = stored_boundaries(model), profiled(model, len(SEQUENCES))
    assert list(result.angular_distance) == [(i, j) for i in range(LAYERS) for j in range(i + 1, LAYERS + 1)]
    for (i, j), distance in result.angular_distance.items():
        angles = numpy.arccos(numpy.clip(cosine(states[i], states[j]), -1, 1)) / numpy.pi
        assert distance == pytest.approx(angles.mean(), abs=1e-5)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("family", DENSE)
def test_neuron_figures_are_numpys_on_stored_activations(
    family: str, dtype: torch.dtype, device: str, opened: Opened
) -> None:
    model = opened(family, dtype, device)
    stored, result = stored_activations(model, DENSE[family]), profiled(model, len(SEQUENCES))
    for activations, neurons in zip(stored, result.neurons, strict=True):
        assert neurons.modules == (DENSE[family],)
        assert (neurons.left_out, neurons.count) == ("", SEQUENCES.numel())
        magnitudes = abs(activations)
        numpy.testing.assert_allclose(neurons.mean, activations.mean(0), rtol=1e-5, atol=1e-7)
        numpy.testing.assert_allclose(neurons.variance, activations.var(0), rtol=1e-5, atol=1e-12)
        numpy.testing.assert_array_equal(numpy.abs(neurons.peak), magnitudes.max(0))
        numpy.testing.assert_array_equal(neurons.share_active, (magnitudes > result.active_above).mean(0))
        peaks = numpy.array(neurons.peak_sequence) * SEQUENCES.shape[1] + numpy.array(neurons.peak_position)
        seen = peaks >= 0
        numpy.testing.assert_array_equal(activations[peaks[seen], seen.nonzero()[0]], numpy.array(neurons.peak)[seen])
        assert not magnitudes[:, ~seen].any()


def test_the_histogram_counts_half_octaves_and_values_outside_its_range(opened: Opened) -> None:
    model = opened("opt")
    (first, *_), result = stored_activations(model, "fc2"), profiled(model)
    histogram = result.neurons[0].histogram
    assert histogram is not None
    edges = numpy.linspace(histogram.low, histogram.high, len(histogram.counts) + 1)
    edges[0], edges[-1] = -numpy.inf, numpy.inf
    with numpy.errstate(divide="ignore"):
        expected, _ = numpy.histogram(numpy.log2(abs(first)).clip(-1e9), numpy.clip(edges, -1e9, 1e9))
    assert histogram.counts == expected.tolist()
    assert histogram.counts[0] > 0, "a ReLU gives zeros"


@pytest.mark.parametrize("family", every_family())
def test_every_family_is_profiled_and_omitted_neurons_have_a_reason(family: str, opened: Opened) -> None:
    result = profiled(opened(family))
    assert len(result.layers) == len(result.neurons) == LAYERS
    for neurons in result.neurons:
        columns = (neurons.mean, neurons.variance, neurons.peak, neurons.peak_sequence, neurons.share_active)
        assert len({len(column) for column in columns}) == 1
        assert bool(neurons.modules) == bool(neurons.mean) == bool(neurons.histogram)
        assert neurons.modules or neurons.left_out == FUSED_EXPERTS
    assert all(neurons.modules for neurons in result.neurons) == (family not in WITHOUT_SHARED_EXPERT)


def test_a_shared_expert_is_recorded_next_to_fused_ones(opened: Opened) -> None:
    neurons = profiled(opened("qwen2-moe")).neurons[1]
    assert neurons.modules == ("mlp.shared_expert.down_proj",)
    assert len(neurons.mean) == 40
    assert "fused into one tensor" in neurons.left_out


def test_the_batch_size_changes_nothing(opened: Opened) -> None:
    model = opened("llama")
    one, four = profiled(model, 1), profiled(model, 4)
    for a, b in zip(one.neurons, four.neurons, strict=True):
        numpy.testing.assert_allclose(a.variance, b.variance, rtol=1e-5)
        assert a.peak_position == b.peak_position
        assert a.share_active == b.share_active
    for i, j in one.angular_distance:
        assert one.angular_distance[i, j] == pytest.approx(four.angular_distance[i, j], abs=1e-6)


def fail_above(model: Any, most: int) -> None:
    """Memory runs out halfway through the layers when a batch has more than `most` sequences."""

    def hook(_module: Any, args: Any) -> None:
        if len(args[0]) > most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    layers_of(model)[3].register_forward_pre_hook(hook)


def test_out_of_memory_halves_the_batch_and_counts_no_token_twice(opened: Opened) -> None:
    model = opened("llama")
    plain = profiled(model, 1)
    fail_above(model, 1)
    result = profiled(model, 4)
    assert result.batch_size == 1
    assert (result.layers, result.neurons, result.tokens) == (plain.layers, plain.neurons, plain.tokens)


def test_too_little_memory_for_one_sequence_is_explained_with_figures(opened: Opened) -> None:
    model = opened("llama")
    fail_above(model, 0)
    with pytest.raises(MachineError, match=r"(?s)20 tokens.*2\.00 GiB.*--seq-len"):
        profiled(model)


@pytest.mark.parametrize(
    ("broken", "named"),
    [
        ("model.layers.3.self_attn.o_proj.weight", "out of layer 3:"),
        ("model.embed_tokens.weight", "out of the embeddings"),
    ],
)
def test_the_first_layer_that_computes_nan_is_named(broken: str, named: str, opened: Opened) -> None:
    model = opened("llama")
    model.get_parameter(broken).data.fill_(float("nan"))
    with pytest.raises(CheckpointError, match=named):
        profiled(model)


def test_overflow_in_float16_is_reported_with_layer_and_dtype(opened: Opened) -> None:
    model = opened("llama", torch.float16)
    model.get_parameter("model.layers.2.mlp.down_proj.weight").data.fill_(6e4)
    with pytest.raises(CheckpointError, match=r"(?s)layer 2: .*float16.*float32"):
        profiled(model)


def test_sequences_beyond_the_context_are_refused(opened: Opened) -> None:
    with pytest.raises(UsageError, match="too long"):
        profile_model(opened("llama"), None, Sequences.of_text(SEQUENCES.repeat(1, 4)), 1, no_report)


def test_a_context_is_one_short_line_with_the_token_in_it(tiny_llama: Any) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_llama)
    text = "The cat sat on the mat,\nand the dög\x1b[31m lay beside it. " * 3
    sequences = torch.tensor(tokenizer(text)["input_ids"][:150]).view(3, 50)
    result = contexts(tokenizer, sequences, [0, 74, 149])
    assert result[0] == "The cat s"
    for token in (74, 149):
        assert len(result[token]) <= 60
        assert result[token].isprintable()
        assert tokenizer.decode(sequences.flatten()[token]) in result[token]


def test_progress_ends_at_the_number_of_sequences(opened: Opened) -> None:
    reported: list[tuple[int, int, str]] = []
    profile_model(opened("llama"), None, TEXT, 4, lambda *progress: reported.append(progress))
    assert [(done, total) for done, total, _ in reported] == [(0, 6), (4, 6), (6, 6)]


@pytest.mark.parametrize("centre", [0.0, 1e3, -1e5])
def test_variance_survives_a_mean_that_dwarfs_it(centre: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a sum of squares in float32 would lose."""
    monkeypatch.setattr(running_statistics, "_CPU_PIECE", 700)
    activations = torch.randn(1000, 7, generator=torch.Generator().manual_seed(1)) + centre
    sums = NeuronSums.empty(7, torch.device("cpu"))
    sums.add(activations[:300], 0)
    sums.add(activations[300:], 300)
    numpy.testing.assert_allclose(sums.variance(), activations.double().var(0, correction=0), rtol=1e-4)
    numpy.testing.assert_allclose(sums.mean, activations.double().mean(0), rtol=1e-6, atol=1e-7)
