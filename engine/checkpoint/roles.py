"""Roles of a layer's tensors: attention, norms, MLP. Read from names, so that a new family needs no table."""

import re
from enum import Enum


class Role(Enum):
    """Role of a tensor in its layer."""

    ATTENTION = "attention"
    """Attention, recurrence or convolution, with the norms inside; and every tensor without another role."""
    NORMS = "norms"
    """Norms of the layer itself."""
    MLP = "mlp"
    """Feed-forward network, router and experts included."""


EVERY_ROLE = frozenset(Role)

_NORM = re.compile(r"norm\d*$|norm_\d+$|^ln_?\d*$")
_MLP = re.compile(r"mlp|ffn|feed_?forward|moe|expert|router|^ff$|^fc_?\d$|^(gate|up|down)_proj$|^channel_mix")


def role_of(suffix: str) -> Role:
    """Role of the tensor whose name within its layer is `suffix`: "mlp.up_proj.weight" is Role.MLP."""
    module = suffix.split(".")[0]
    if _NORM.search(module) and module != "norm_attn_norm":
        return Role.NORMS
    return Role.MLP if _MLP.search(module) else Role.ATTENTION
