"""The proof on a real model: 30 layers in bf16, computed in float32."""

from pathlib import Path

import pytest
import torch

from engine.checkpoint.checkpoint import open_checkpoint
from engine.inference.likelihood import token_nll
from engine.inference.virtual import virtual_model
from engine.inference.wavefront.visits import BASE, Step, base_visits, stack_of, visits
from tests.inference.wavefront.sweeping import planned, resident, streamed, swept

pytestmark = pytest.mark.real_model

TOKENS = torch.randint(0, 49152, (2, 24), generator=torch.Generator().manual_seed(3))
PLANS = (
    visits([*range(16), *range(12, 30)]),
    (*visits(range(20)), *(Step(layer, 0.7) for layer in range(17, 20)), *visits(range(20, 30))),
    visits([*range(12), *range(10, 12), *range(10, 30)]),
)


def test_figures_equal_plain_forward_passes_resident_and_streamed(smollm2: Path) -> None:
    layers = resident(smollm2, dtype="float32")
    work = planned(layers, PLANS, TOKENS)
    result, counted = swept(work)
    read, _ = swept(planned(streamed(smollm2, "float32"), PLANS, TOKENS))
    assert counted.layer_forwards == work.trie.edges < sum(map(len, PLANS))
    checkpoint = open_checkpoint(smollm2)
    for number, plan in ((BASE, base_visits(30)), *enumerate(PLANS)):
        stack = stack_of(checkpoint, plan)
        expected = token_nll(virtual_model(stack, {checkpoint: layers.model}), TOKENS)
        assert torch.equal(result[number].nll, expected)
        assert torch.equal(read[number].nll, expected)
        assert torch.equal(read[number].kl, result[number].kl)
