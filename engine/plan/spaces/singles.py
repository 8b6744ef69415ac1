"""singles: every layer by itself, visited twice."""

from dataclasses import dataclass

from engine.checkpoint.checkpoint import Checkpoint
from engine.plan.spaces import blocks
from engine.plan.spaces.swept import SweptPlan


@dataclass(frozen=True, slots=True)
class Options:
    """How the second visit is scaled."""

    scales: tuple[float, ...] = (1.0,)
    """Factors on the repeated visit; each layer is tried with each."""


def plans(checkpoint: Checkpoint, options: Options) -> tuple[SweptPlan, ...]:
    """From the bottom up. Raises CheckpointError for a family that cannot be scaled."""
    return blocks.plans(checkpoint, blocks.Options(width=1, scales=options.scales))
