"""The proof: layers called one by one compute what the model's own forward computes, in every family."""

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from engine.errors import CheckpointError, UsageError
from engine.inference.decoder_layers import layer_modules
from engine.inference.load_model import open_model
from engine.inference.replay import Recording, record
from engine.inference.virtual import virtual_model
from tests.architectures import LAYERS, SIZES, CheckpointOf, every_family
from tests.inference.stacks import ODD_JUMP, TOKENS, logits, stack_of

OTHER_TOKENS = torch.randint(3, 64, (3, 33), generator=torch.Generator().manual_seed(8))
KINDS = ["sliding_attention", "full_attention"] * 3
GEMMA = {"head_dim": 8, "sliding_window": 8, "layer_types": KINDS, "hidden_size_per_layer_input": 8}
GEMMA3N = {**GEMMA, "altup_num_inputs": 2, "laurel_rank": 4, "activation_sparsity_pattern": [0.0] * LAYERS}


def replayed(recording: Recording, layers: Sequence[int]) -> torch.Tensor:
    with torch.inference_mode():
        hidden = recording.embedded
        for layer in layers:
            before = hidden.clone()
            entered, hidden = hidden, recording.layer(layer, hidden)
            assert torch.equal(entered, before), "a layer writes into its input, which others may still need"
        return recording.logits(hidden)


@pytest.mark.parametrize("family", every_family())
def test_replay_equals_the_models_own_forward_and_the_virtual_model_of_a_stack(
    family: str, checkpoint_of: CheckpointOf
) -> None:
    model = open_model(checkpoint_of(family))
    for tokens in (TOKENS, OTHER_TOKENS):
        expected = logits(model, tokens)
        assert torch.equal(replayed(record(model, tokens), range(LAYERS)), expected)
        assert torch.equal(logits(model, tokens), expected), "the model is left as it was"
    stack = stack_of(checkpoint_of(family))
    expected = logits(virtual_model(stack, {stack.config_donor: model}))
    assert torch.equal(replayed(record(model, TOKENS), ODD_JUMP), expected)


def test_recording_needs_no_weights_of_the_layers(checkpoint_of: CheckpointOf) -> None:
    model = open_model(checkpoint_of("gemma3"))
    expected = record(model, TOKENS)
    layer_modules(model, LAYERS).to("meta")
    result = record(model, TOKENS)
    assert torch.equal(result.embedded, expected.embedded)
    assert torch.equal(result.logits(result.embedded), expected.logits(expected.embedded))


def test_hidden_states_of_another_shape_are_refused(checkpoint_of: CheckpointOf) -> None:
    recording = record(open_model(checkpoint_of("llama")), TOKENS)
    with pytest.raises(UsageError, match=r"made for \(2, 28, 32\)"):
        recording.layer(0, torch.zeros(2, 27, 32))
    with pytest.raises(UsageError, match="Make a recording"):
        recording.logits(torch.zeros(1, 28, 32))


@pytest.mark.parametrize(
    ("model_type", "settings", "reason"),
    [
        ("gemma3n_text", {**GEMMA3N, "num_kv_shared_layers": 2}, "keys and values from earlier ones"),
        ("gemma4_text", {**GEMMA, "global_head_dim": 8, "num_kv_shared_layers": 2}, "keys and values from earlier"),
        ("gemma4_text", {**GEMMA, "global_head_dim": 8, "num_kv_shared_layers": 0}, "`shared_kv_states`"),
        ("zaya", {}, "depends on what earlier layers computed"),
        ("glm_moe_dsa", {}, "`prev_topk_indices` of layer 1 depends"),
        ("rwkv", {}, "more than the residual stream"),
    ],
)
def test_layers_that_exchange_more_than_the_stream_are_refused_with_the_reason(
    model_type: str, settings: dict[str, Any], reason: str
) -> None:
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(model_type, **{**SIZES, **settings}))
    with pytest.raises(CheckpointError, match=reason):
        record(model.eval(), TOKENS)
