"""Dissecting names gives layers, ends and roles of any decoder, without a table of families."""

import pytest

from engine.checkpoint.anatomy import End, Role, dissect, role_of
from engine.errors import CheckpointError
from tests.cases import cases

FAMILIES = {
    "llama": ("model.layers.", ["model.embed_tokens.weight"], ["model.norm.weight", "lm_head.weight"]),
    "gpt2": ("h.", ["wte.weight", "wpe.weight"], ["ln_f.weight", "ln_f.bias"]),
    "gpt2 with head": ("transformer.h.", ["transformer.wte.weight"], ["transformer.ln_f.weight", "lm_head.weight"]),
    "gpt_neox": ("gpt_neox.layers.", ["gpt_neox.embed_in.weight"],
                 ["gpt_neox.final_layer_norm.bias", "embed_out.weight"]),
    "bloom": ("h.", ["word_embeddings.weight", "word_embeddings_layernorm.weight"], ["ln_f.weight"]),
    "opt": ("model.decoder.layers.", ["model.decoder.embed_tokens.weight", "model.decoder.embed_positions.weight"],
            ["model.decoder.final_layer_norm.weight", "lm_head.weight"]),
    "phi": ("model.layers.", ["model.embed_tokens.weight"], ["model.final_layernorm.weight", "lm_head.bias"]),
    "internlm2": ("model.layers.", ["model.tok_embeddings.weight"], ["model.norm.weight", "output.weight"]),
    "a VLM": ("model.language_model.layers.", ["model.language_model.embed_tokens.weight"],
              ["model.language_model.norm.weight", "lm_head.weight"]),
}  # fmt: skip


@cases(("prefix", "embedding", "head"), FAMILIES.values(), ids=FAMILIES)
def test_layers_and_ends_are_told_apart(prefix, embedding, head):
    layers = [f"{prefix}{n}.attn.w.weight" for n in range(4)]
    anatomy = dissect([*embedding, *layers, *head], 4)
    assert anatomy.layer_prefix == prefix
    assert anatomy.layers == (("attn.w.weight",),) * 4
    assert anatomy.names_of_end(End.EMBEDDING) == embedding
    assert anatomy.names_of_end(End.HEAD) == head


def test_experts_numbered_inside_a_layer_are_not_layers():
    names = [f"model.layers.{n}.mlp.experts.{e}.w2.weight" for n in range(4) for e in range(4)]
    assert dissect(names, 4).layers[3] == tuple(f"mlp.experts.{e}.w2.weight" for e in range(4))


def test_a_vision_tower_of_equal_depth_is_carried_along():
    text = [f"language_model.model.layers.{n}.w" for n in range(4)]
    vision = [f"vision_tower.encoder.layers.{n}.w" for n in range(4)]
    anatomy = dissect([*vision, *text], 4)
    assert anatomy.layer_prefix == "language_model.model.layers."
    assert anatomy.names_of_end(End.CARRIED) == vision


def test_extra_layers_the_last_are_kept_apart():
    """DeepSeek-V3 stores its multi-token prediction layer as one more layer."""
    anatomy = dissect([f"model.layers.{n}.w" for n in range(5)], 4)
    assert (len(anatomy.layers), anatomy.trailing) == (4, (("w",),))


@cases("present", [[], [0, 1, 2], [0, 1, 3, 4]])
def test_missing_layers_are_refused(present):
    with pytest.raises(CheckpointError, match="do not match the config"):
        dissect([f"model.layers.{n}.w" for n in present], 5)


def test_a_model_of_two_stacks_is_called_that():
    """HRM has a high and a low module of equal depth, and config.json says how many layers run in all."""
    names = [f"model.{stack}_module.layers.{n}.w" for stack in "HL" for n in range(3)]
    with pytest.raises(CheckpointError, match="several stacks") as caught:
        dissect(names, 24)
    assert "model.H_module.layers.N: 3, model.L_module.layers.N: 3" in str(caught.value)


def test_a_model_of_two_stacks_is_said_to_be_one():
    names = [f"model.{stack}.layers.{n}.w" for stack in ("H_module", "L_module") for n in range(4)]
    with pytest.raises(CheckpointError, match="the model has several stacks of layers"):
        dissect(names, 8)


def test_lost_layers_are_no_other_stack():
    names = [f"model.layers.{n}.w" for n in range(5)] + [f"model.visual.blocks.{n}.w" for n in range(5)]
    with pytest.raises(CheckpointError, match="do not match the config"):
        dissect(names, 8)


def test_heads_for_further_tokens_are_no_layers_however_many_there_are() -> None:
    names = [f"{prefix}{n}.weight" for prefix in ("model.layers.", "medusa_head.") for n in range(3)]
    assert dissect(names, 3).layer_prefix == "model.layers."


def test_layers_that_are_numbered_with_leading_zeros_are_refused() -> None:
    with pytest.raises(CheckpointError, match="do not match the config"):
        dissect([f"model.layers.{n:02}.weight" for n in range(3)], 3)


@cases(
    ("suffix", "role"),
    [
        ("self_attn.q_norm.weight", Role.ATTENTION),
        ("linear_attn.conv1d.weight", Role.ATTENTION),
        ("mixer.in_proj.weight", Role.ATTENTION),
        ("norm_attn_norm.attn.Wqkv.weight", Role.ATTENTION),
        ("input_layernorm.weight", Role.NORMS),
        ("post_feedforward_layernorm.weight", Role.NORMS),
        ("ffn_norm.weight", Role.NORMS),
        ("ln_2.bias", Role.NORMS),
        ("mlp.experts.3.down_proj.weight", Role.MLP),
        ("block_sparse_moe.gate.weight", Role.MLP),
        ("feed_forward.w2.weight", Role.MLP),
        ("fc1.bias", Role.MLP),
    ],
)
def test_a_role_follows_from_the_module(suffix: str, role: Role) -> None:
    assert role_of(suffix) is role
