"""Reads packed text: how likely a plan finds it, how far its predictions are from the base's."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class Figures:
    """A plan on S sequences of T tokens; all on the CPU in float32."""

    nll: "torch.Tensor"
    """[S, T-1], nats: -log p(x[t+1] | x[:t+1])."""
    kl: "torch.Tensor"
    """[S], nats: KL(base || plan), mean over a sequence's T-1 predictions. The base's is 0."""
    top1: "torch.Tensor"
    """[S]: share of the predictions at which base and plan have the same first choice."""
