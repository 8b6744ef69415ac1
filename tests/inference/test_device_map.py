"""A model on several devices computes what it computes on one.

Where figures count, the CPU stands for both devices. Where places count, tensors have a device and a shape but no
content, and torch refuses to compute with two that lie apart, as it does with GPUs.
"""

from collections.abc import Iterator
from inspect import signature
from typing import Any

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorDeviceMismatchError, FakeTensorMode
from transformers import AutoModelForCausalLM

from engine.inference import device_map
from engine.inference.decoder_layers import decoder_layers
from engine.inference.likelihood import compare, token_nll
from engine.inference.load_model import open_model
from engine.inference.metrics import second_pass
from engine.inference.profile import profile_model
from engine.inference.sequences import Sequences
from engine.inference.virtual import load, virtual_model
from engine.protocol import no_report
from tests.architectures import FAMILIES, LAYERS, CheckpointOf
from tests.inference.stacks import TOKENS, generated, logits, stack_of

TEXT = Sequences.of_text(TOKENS)

TWO = ("cpu", "cpu")
THREE = ("lazy:0", "lazy:1", "lazy:2")
"""Devices that torch knows by name and, here, only by name."""
TIED, SLIDING, FUSED_EXPERTS, PLACES_BY_TABLE = "llama-biased", "gemma2", "mixtral", "gpt2"
SPREAD = (TIED, SLIDING, FUSED_EXPERTS, PLACES_BY_TABLE)
UNDER_STRESS = [pytest.param(name, marks=pytest.mark.stress) for name in ("bloom", "opt", "deepseek-v3")]


@pytest.mark.parametrize("family", SPREAD)
def test_logits_and_cached_generation_are_bit_equal(family: str, checkpoint_of: CheckpointOf) -> None:
    one, several = open_model(checkpoint_of(family)), device_map.spread(open_model(checkpoint_of(family)), TWO)
    assert device_map.is_spread(several)
    assert not device_map.is_spread(one)
    assert torch.equal(logits(one), logits(several))
    assert all(map(torch.equal, generated(one), generated(several)))


@pytest.mark.parametrize("family", SPREAD)
def test_a_plan_over_a_spread_base_is_spread_and_bit_equal(family: str, checkpoint_of: CheckpointOf) -> None:
    stack = stack_of(checkpoint_of(family), scales={4: 0.3})
    base = device_map.spread(open_model(checkpoint_of(family)), TWO)
    plan = virtual_model(stack, {stack.config_donor: base})
    assert device_map.is_spread(plan)
    assert torch.equal(logits(plan), logits(load(stack)))
    assert all(map(torch.equal, generated(plan), generated(load(stack))))
    shared = {parameter.data_ptr() for parameter in base.parameters()}
    assert shared <= {parameter.data_ptr() for parameter in plan.parameters()}


def test_measurements_are_the_same(checkpoint_of: CheckpointOf) -> None:
    one, several = open_model(checkpoint_of(SLIDING)), device_map.spread(open_model(checkpoint_of(SLIDING)), TWO)
    assert torch.equal(token_nll(one, TOKENS), token_nll(several, TOKENS))
    assert profile_model(one, None, TEXT, 2, no_report) == profile_model(several, None, TEXT, 2, no_report)
    assert compare(one, several, TEXT, 2, no_report).kl == compare(one, one, TEXT, 2, no_report).kl
    blocks = [(0, 2), (3, 6)]
    assert second_pass.measure(one, TEXT, blocks, 2, no_report) == second_pass.measure(
        several, TEXT, blocks, 2, no_report
    )


@pytest.fixture
def apart(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Tensors without content; those on different devices do not meet."""
    monkeypatch.setattr(device_map, "_put", _replaced)
    with FakeTensorMode(), torch.no_grad():
        yield


def _replaced(module: Any, device: Any) -> None:
    """A tensor without content cannot be moved in place, so the module gets another; one that is tied stays so."""
    for name, parameter in list(module.named_parameters(recurse=False)):
        if not hasattr(parameter, "elsewhere"):
            parameter.elsewhere = {}
        moved = torch.nn.Parameter(parameter.to(device), requires_grad=False)
        setattr(module, name, parameter.elsewhere.setdefault(device, moved))
    for name, buffer in module.named_buffers(recurse=False):
        setattr(module, name, buffer.to(device))


def contentless(family: str) -> Any:
    return (
        AutoModelForCausalLM.from_config(FAMILIES[family].config(), dtype=torch.bfloat16).eval().requires_grad_(False)
    )


@pytest.mark.usefixtures("apart")
@pytest.mark.parametrize("family", [*SPREAD, "qwen3-next", *UNDER_STRESS])
def test_tensors_of_different_devices_never_meet(family: str) -> None:
    model = device_map.spread(contentless(family), THREE)
    places = [str(device_map.device_of(layer)) for layer in decoder_layers(model)]
    assert places == sorted(places)
    assert set(places) == set(THREE)
    tokens = torch.zeros(2, 28, dtype=torch.long, device=THREE[0])
    cache = "cache" if "cache" in signature(type(model).forward).parameters else "past_key_values"  # until 5.23
    first = model(input_ids=tokens, use_cache=True)
    second = model(input_ids=tokens[:, :1], **{cache: first[cache]}, use_cache=True)
    assert (str(model.device), str(first.logits.device), str(second.logits.device)) == (THREE[0],) * 3


@pytest.mark.usefixtures("apart")
@pytest.mark.parametrize("family", SPREAD)
def test_layers_may_be_visited_back_and_forth(family: str) -> None:
    places = [THREE[0], THREE[1], THREE[0], THREE[2], THREE[1], THREE[0]]
    model = device_map.dispatch_layers(contentless(family), places, THREE[0], THREE[2])
    tokens = torch.zeros(2, 28, dtype=torch.long, device=THREE[0])
    assert str(model(input_ids=tokens, use_cache=False).logits.device) == THREE[0]


@pytest.mark.usefixtures("apart")
def test_without_bringing_the_inputs_they_would_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    """What shows that the tests above would fail."""
    monkeypatch.setattr(device_map, "_move_inputs", lambda _module, _device: None)
    model = device_map.spread(contentless("llama"), THREE)
    with pytest.raises(FakeTensorDeviceMismatchError):
        model(input_ids=torch.zeros(2, 28, dtype=torch.long, device=THREE[0]))


@pytest.mark.usefixtures("apart")
@pytest.mark.parametrize(("family", "head"), [("llama", THREE[2]), (TIED, THREE[0])])
def test_a_tied_head_stays_with_the_embeddings_and_another_is_on_the_last_device(family: str, head: str) -> None:
    model = device_map.spread(contentless(family), THREE)
    assert str(device_map.device_of(model.get_input_embeddings())) == THREE[0]
    assert str(device_map.device_of(model.get_output_embeddings())) == head
    assert str(device_map.device_of(model.model.norm)) == THREE[2]


@pytest.mark.parametrize(
    ("sizes", "count", "shares"),
    [
        ([10, 10, 10, 10], 2, [0, 0, 1, 1]),
        ([10] * 6, 4, [0, 1, 1, 2, 3, 3]),
        ([90, 10, 10, 10], 2, [0, 1, 1, 1]),
        ([10, 10], 8, [2, 6]),
        ([5] * LAYERS, 1, [0] * LAYERS),
    ],
)
def test_each_device_gets_about_the_same_number_of_bytes(sizes: list[int], count: int, shares: list[int]) -> None:
    assert device_map.equal_shares(sizes, count) == shares
