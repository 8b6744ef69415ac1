"""What a sweep says beforehand is what it does, in every schedule and however the text is cut."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.checkpoint.checkpoint import open_checkpoint
from engine.errors import CheckpointError, MachineError
from engine.inference.likelihood import compare
from engine.inference.sequences import Sequences
from engine.inference.virtual import load
from engine.inference.wavefront.visits import BASE, base_visits, stack_of, visits
from engine.inference.wavefront.work import expected_seconds
from engine.protocol import no_report
from tests.architectures import LAYERS, CheckpointOf
from tests.inference.stacks import TOKENS
from tests.inference.test_replay import GEMMA3N
from tests.inference.wavefront.sweeping import (
    ODD,
    PLANS,
    SCALED,
    SHORT,
    figures,
    plain_nll,
    planned,
    resident,
    streamed,
    swept,
)

Schedule = Callable[[Path], Any]

MANY = torch.randint(3, 64, (4, 20), generator=torch.Generator().manual_seed(9))


@pytest.mark.parametrize("schedule", [resident, streamed])
def test_the_announced_cost_is_the_actual_cost(schedule: Schedule, checkpoint_of: CheckpointOf) -> None:
    work = planned(schedule(checkpoint_of("llama")), PLANS)
    result, counted = swept(work)
    announced = work.announced
    assert result.keys() == {BASE, *range(len(PLANS))}
    assert counted.layer_forwards == announced.layer_forwards == work.trie.edges
    assert counted.heads == announced.heads == 4
    assert (counted.layer_reads, counted.read_bytes) == (announced.layer_reads, announced.read_bytes)
    assert (counted.layer_reads > 0) == (schedule is streamed)
    assert counted.state_bytes <= announced.state_bytes


def test_streamed_layers_are_read_once_for_each_pass_and_chunk(checkpoint_of: CheckpointOf) -> None:
    source = checkpoint_of("llama")
    plans = [visits([*range(j), *range(i, LAYERS)]) for i in range(LAYERS) for j in range(i + 1, LAYERS + 1)]
    layers = streamed(source)
    whole = planned(layers, plans, MANY)
    cut = planned(layers, plans, MANY, memory=whole.announced.held_bytes - whole.announced.state_bytes // 2)
    assert (whole.announced.passes, whole.announced.chunks, whole.announced.layer_reads) == (2, 1, 2 * LAYERS)
    assert cut.announced.chunks > 1
    result, counted = swept(cut)
    assert counted.layer_reads == cut.announced.layer_reads == 2 * LAYERS * cut.announced.chunks
    assert counted.read_bytes == sum(map(layers.stored.nbytes, range(LAYERS))) * 2 * cut.announced.chunks
    assert cut.announced.held_bytes <= whole.announced.held_bytes - whole.announced.state_bytes // 2
    expected, _ = swept(whole)
    assert all(torch.equal(result[plan].nll, expected[plan].nll) for plan in expected)
    assert all(torch.allclose(result[plan].kl, expected[plan].kl, atol=1e-6) for plan in expected)


@pytest.mark.parametrize(
    ("schedule", "family"),
    [(resident, "mixtral"), (resident, "gemma3"), (streamed, "llama"), (streamed, "qwen3-next"), (streamed, "gpt2")],
)
def test_plans_run_together_differ_by_at_most_1e5(schedule: Schedule, family: str, checkpoint_of: CheckpointOf) -> None:
    source = checkpoint_of(family)
    plans = (ODD, SHORT, visits((0, 1, 2, 3, 4, 4, 5)), visits((0, 1, 1, 2, 3, 4, 5)))
    expected = figures(resident(source), plans)
    result, counted = swept(planned(schedule(source), plans, together=3))
    assert counted.layer_forwards == planned(resident(source), plans).trie.edges
    for plan in expected:
        assert torch.allclose(result[plan].nll, expected[plan].nll, rtol=0, atol=1e-5)


@pytest.mark.parametrize("memory", ["kept", "computed again"])
def test_divergence_and_first_choices_are_those_of_a_comparison(memory: str, checkpoint_of: CheckpointOf) -> None:
    source = checkpoint_of("llama")
    layers = resident(source)
    work = planned(layers, PLANS)
    if memory == "computed again":
        work = planned(layers, PLANS, memory=work.announced.held_bytes - work.announced.base_bytes)
        while work.keeps_base:
            work = planned(layers, PLANS, memory=work.announced.held_bytes - 1)
    assert work.keeps_base == (memory == "kept")
    result, _ = swept(work)
    base = load(stack_of(open_checkpoint(source), base_visits(LAYERS)))
    for plan in (ODD, SCALED, SHORT):
        figures_ = result[PLANS.index(plan)]
        expected = compare(base, load(stack_of(open_checkpoint(source), plan)), Sequences.of_text(TOKENS), 1, no_report)
        assert float(figures_.kl.mean()) == pytest.approx(expected.kl, abs=1e-6)
        assert float(figures_.top1.mean()) == pytest.approx(expected.top1_agreement, abs=1e-7)
    for same in (BASE, PLANS.index(base_visits(LAYERS))):
        assert result[same].kl.tolist() == [0, 0]
        assert result[same].top1.tolist() == [1, 1]


def test_plans_finish_individually_and_progress_is_reported(checkpoint_of: CheckpointOf) -> None:
    events: list[object] = []
    work = planned(resident(checkpoint_of("llama")), PLANS)
    work.run(lambda done, total, what: events.append((done, total, what)), lambda plan, _: events.append(plan))
    finished = [event for event in events if isinstance(event, int)]
    reported = [event for event in events if not isinstance(event, int)]
    assert finished[0] == BASE
    assert sorted(finished) == [BASE, *range(len(PLANS))]
    assert reported[0] == (0, work.trie.edges, "layers run; 0 of 5 plans done")
    assert reported[-1] == (work.trie.edges, work.trie.edges, "layers run; 5 of 5 plans done")
    assert events.index(finished[1]) < len(events) - 5


def test_streamed_weights_are_cast_as_opening_casts_them(checkpoint_of: CheckpointOf) -> None:
    source = checkpoint_of("qwen3-moe")
    expected = figures(resident(source, dtype="bfloat16"), (ODD, SCALED))
    result = figures(streamed(source, "bfloat16"), (ODD, SCALED))
    assert all(torch.equal(result[plan].nll, expected[plan].nll) for plan in expected)


def test_too_little_memory_for_one_batch_is_one_clear_error(checkpoint_of: CheckpointOf) -> None:
    with pytest.raises(MachineError, match=r"for one batch of the text: its states need .* kB"):
        planned(streamed(checkpoint_of("llama")), PLANS, memory=1000)


@pytest.mark.parametrize("schedule", [resident, streamed])
def test_layers_that_exchange_more_than_the_stream_are_refused(schedule: Schedule, tmp_path: Path) -> None:
    from transformers import AutoConfig, AutoModelForCausalLM

    from tests.architectures import SIZES

    config = AutoConfig.for_model("gemma3n_text", **{**SIZES, **GEMMA3N, "num_kv_shared_layers": 2})
    AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path)
    with pytest.raises(CheckpointError, match="keys and values from earlier ones"):
        planned(schedule(tmp_path), (ODD,))


def test_a_plan_of_three_visits_equals_its_plain_forward_pass(checkpoint_of: CheckpointOf) -> None:
    plan = visits((0, 1, 2, 1, 2, 1, 2, 3, 4, 5))
    layers = resident(checkpoint_of("gemma2"))
    assert torch.equal(figures(layers, (plan,))[0].nll, plain_nll(layers, plan))


@pytest.mark.parametrize("schedule", [resident, streamed])
def test_timing_in_advance_does_not_change_results(schedule: Schedule, checkpoint_of: CheckpointOf) -> None:
    layers = schedule(checkpoint_of("llama"))
    work = planned(layers, PLANS)
    expected, _ = swept(work)
    assert 0 < expected_seconds(work) < 10
    result, _ = swept(work)
    assert all(torch.equal(result[plan].nll, expected[plan].nll) for plan in expected)
