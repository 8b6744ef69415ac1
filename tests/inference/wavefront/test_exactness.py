"""The proof: a plan's figures in a sweep are those of a plain forward pass of its merged checkpoint."""

import pytest
import torch

from engine.inference.wavefront.visits import BASE, base_visits
from tests.architectures import FAMILIES, LAYERS, CheckpointOf, every_family
from tests.inference.wavefront.sweeping import ODD, SCALED, figures, plain_nll, resident, streamed


@pytest.mark.parametrize("family", every_family())
def test_resident_and_streamed_figures_equal_plain_forward_passes(family: str, checkpoint_of: CheckpointOf) -> None:
    layers = resident(checkpoint_of(family))
    plans = (ODD, SCALED) if FAMILIES[family].adds else (ODD,)
    result, read = figures(layers, plans), figures(streamed(checkpoint_of(family)), plans)
    for number, plan in enumerate(plans):
        expected = plain_nll(layers, plan)
        assert torch.equal(result[number].nll, expected), f"{plan} resident"
        assert torch.equal(read[number].nll, expected), f"{plan} streamed"
    assert torch.equal(result[BASE].nll, plain_nll(layers, base_visits(LAYERS)))
