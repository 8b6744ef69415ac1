"""Roles are read from the names of a layer's tensors."""

import pytest

from engine.checkpoint.roles import Role, role_of


@pytest.mark.parametrize(
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
