"""Metrics of blocks equal what the same plans give when they are merged, loaded and run whole."""

from collections.abc import Callable, Sequence
from math import sqrt
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from engine.errors import CheckpointError, UsageError
from engine.inference import metrics
from engine.inference.decoder_layers import layer_modules
from engine.inference.metrics import ablation, duplication, logit_lens, second_pass
from engine.inference.metrics.block_metric import Block, Measured
from engine.inference.sequences import Sequences
from engine.protocol import no_report
from engine.tasks.score import METRICS
from tests.architectures import LAYERS, CheckpointOf
from tests.inference.metrics import measure_of
from tests.inference.stacks import merged, stack_of

SEQUENCES = torch.randint(3, 64, (5, 28), generator=torch.Generator().manual_seed(5))
TEXT = Sequences.of_text(SEQUENCES)
"""Longer than three sliding windows."""
FAMILIES = [
    *("llama", "gemma2", "gpt-oss", "falcon", "bamba"),
    *(pytest.param(name, marks=pytest.mark.stress) for name in ("mixtral", "qwen3-moe", "cohere2", "gpt-neox")),
]
"""Sliding windows, experts, attention parallel to the MLP, post-norms, a state-space model."""
BLOCKS: list[Block] = [(1, 2), (2, 5), (0, 6)]

Whole = Callable[[str, Sequence[int]], Any]
"""From a family and layers to the merged model."""


@pytest.fixture
def whole(checkpoint_of: CheckpointOf, tmp_path: Path) -> Whole:
    def merge_and_open(family: str, layers: Sequence[int]) -> Any:
        out = tmp_path / "-".join(map(str, layers))
        return merged(stack_of(checkpoint_of(family), layers), out, torch.float32)

    return merge_and_open


@pytest.fixture
def llama(checkpoint_of: CheckpointOf) -> Any:
    return AutoModelForCausalLM.from_pretrained(checkpoint_of("llama"), dtype=torch.float32).eval()


def measured(metric: Any, model: Any, blocks: Sequence[Block] = BLOCKS, batch_size: int = 2) -> dict[Block, Measured]:
    result: dict[Block, Measured] = metric.measure(model, TEXT, blocks, batch_size, no_report)
    return result


def sequence_nll(model: Any) -> torch.Tensor:
    """[S], by the model's own loss."""
    with torch.inference_mode():
        return torch.stack([model(row[None], labels=row[None], use_cache=False).loss for row in SEQUENCES]).double()


def layer_outputs(model: Any, count: int) -> list[torch.Tensor]:
    """What each layer leaves, [S, T, D]."""
    result: list[Any] = []
    hooks = [
        layer.register_forward_hook(lambda _module, _args, output: result.append(output))
        for layer in layer_modules(model, count)
    ]
    with torch.inference_mode():
        model(SEQUENCES, use_cache=False)
    for hook in hooks:
        hook.remove()
    return [output[0] if isinstance(output, tuple) else output for output in result]


def repeated(start: int, end: int) -> list[int]:
    return [*range(end), *range(start, LAYERS)]


@pytest.mark.parametrize("family", FAMILIES)
def test_duplication_is_the_loss_of_the_merged_model_less_that_of_its_source(family: str, whole: Whole) -> None:
    base = whole(family, range(LAYERS))
    for (start, end), result in measured(duplication, base).items():
        expected = sequence_nll(whole(family, repeated(start, end))) - sequence_nll(base)
        assert result.per_sequence == pytest.approx(expected.tolist(), abs=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_ablation_is_the_loss_of_the_shorter_merge_less_that_of_its_source(family: str, whole: Whole) -> None:
    base = whole(family, range(LAYERS))
    for (start, end), result in measured(ablation, base, [(1, 2), (2, 5)]).items():
        expected = sequence_nll(whole(family, [*range(start), *range(end, LAYERS)])) - sequence_nll(base)
        assert result.per_sequence == pytest.approx(expected.tolist(), abs=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_second_pass_is_how_far_the_copy_moves_the_stream_in_the_merged_model(family: str, whole: Whole) -> None:
    for (start, end), result in measured(second_pass, whole(family, range(LAYERS))).items():
        layers = repeated(start, end)
        outputs = layer_outputs(whole(family, layers), len(layers))
        before, after = outputs[end - 1].double(), outputs[2 * end - start - 1].double()
        expected = ((after - before).norm(dim=-1) / before.norm(dim=-1)).mean(-1)
        assert result.per_sequence == pytest.approx(expected.tolist(), rel=1e-4)


def test_logit_lens_is_the_fall_of_the_divergence_from_the_final_prediction(llama: Any) -> None:
    states = [llama.get_input_embeddings()(SEQUENCES), *layer_outputs(llama, LAYERS)]
    predictions = [llama.lm_head(llama.model.norm(state)).double().log_softmax(-1) for state in states]
    final = predictions[-1]
    divergences = [(final.exp() * (final - each)).sum(-1).mean(-1) for each in predictions]
    for (start, end), result in measured(logit_lens, llama).items():
        expected = divergences[start] - divergences[end]
        assert result.per_sequence == pytest.approx(expected.tolist(), abs=1e-5)


def test_logit_lens_of_all_single_layers_adds_up_to_that_of_the_model(checkpoint_of: CheckpointOf) -> None:
    model = AutoModelForCausalLM.from_pretrained(checkpoint_of("gpt2"), dtype=torch.float32).eval()
    result = measured(logit_lens, model, [(0, LAYERS), *((layer, layer + 1) for layer in range(LAYERS))])
    whole_model, *singles = (each.value for each in result.values())
    assert whole_model == pytest.approx(sum(singles), abs=1e-6)


@pytest.mark.parametrize("metric", [duplication, ablation, second_pass])
def test_a_block_that_adds_nothing_costs_exactly_nothing(metric: Any, llama: Any) -> None:
    for name in ("self_attn.o_proj", "mlp.down_proj"):
        layer_modules(llama, LAYERS)[2].get_submodule(name).weight.data.zero_()
    assert set(measured(metric, llama, [(2, 3)])[2, 3].per_sequence) == {0.0}


@pytest.mark.parametrize("name", METRICS.values())
def test_value_and_error_come_from_one_number_a_sequence_in_any_batching(name: str, llama: Any) -> None:
    few, all_at_once = (measure_of(name)(llama, TEXT, BLOCKS, size, no_report) for size in (1, 5))
    assert list(few) == BLOCKS
    for block, result in few.items():
        assert result.value == pytest.approx(fmean(result.per_sequence))
        assert result.se == pytest.approx(stdev(result.per_sequence) / sqrt(5))
        assert result.per_sequence == pytest.approx(all_at_once[block].per_sequence, abs=1e-5)


def test_one_sequence_has_no_standard_error(llama: Any) -> None:
    assert second_pass.measure(llama, TEXT[:1], [(1, 2)], 1, no_report)[1, 2].se is None


def test_out_of_memory_halves_the_batch_and_counts_no_sequence_twice(llama: Any) -> None:
    expected = measured(duplication, llama, batch_size=1)

    def full(_module: Any, args: Any) -> None:
        if len(args[0]) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")

    layer_modules(llama, LAYERS)[5].mlp.register_forward_pre_hook(full)
    assert measured(duplication, llama, batch_size=4) == expected


@pytest.mark.parametrize("block", [(-1, 2), (2, 2), (3, 1), (4, 7)])
def test_a_block_outside_the_model_is_refused(block: Block, llama: Any) -> None:
    with pytest.raises(UsageError, match="no block"):
        measured(second_pass, llama, [block])


def test_a_block_that_computes_nan_is_named(llama: Any) -> None:
    layer_modules(llama, LAYERS)[4].mlp.down_proj.weight.data.fill_(float("nan"))
    with pytest.raises(CheckpointError, match=r"block \(4, 5\) computes NaN"):
        measured(second_pass, llama, [(1, 2), (4, 5)])


def test_progress_counts_every_block_on_every_sequence(llama: Any) -> None:
    reported: list[tuple[int, int]] = []
    second_pass.measure(llama, TEXT, BLOCKS, 4, lambda done, total, _: reported.append((done, total)))
    assert reported == [(0, 15), (4, 15), (8, 15), (12, 15), (13, 15), (14, 15), (15, 15)]


def test_every_metric_says_what_it_is_in_its_own_file() -> None:
    files = {path.stem for path in Path(metrics.__path__[0]).glob("*.py") if "\ndef measure(" in path.read_text()}
    assert set(METRICS.values()) == files
    for module in (duplication, ablation, second_pass, logit_lens):
        for part in ("Shapes:", "Unit:", "Cost:", "Source:"):
            assert part in (module.__doc__ or "")
