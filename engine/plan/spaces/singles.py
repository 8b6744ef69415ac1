"""singles: every single layer, repeated in place."""

from dataclasses import dataclass

from engine.checkpoint.checkpoint import Checkpoint
from engine.plan.spaces import SweptPlan, blocks


@dataclass(frozen=True, slots=True)
class Options:
    """Scales of the second visit."""

    scales: tuple[float, ...] = (1.0,)
    """Factors on the repeated visit; each layer is combined with each factor."""


def plans(checkpoint: Checkpoint, options: Options) -> tuple[SweptPlan, ...]:
    """Return the plans, bottom layer first. Raises CheckpointError for a family that cannot be scaled."""
    return blocks.plans(checkpoint, blocks.Options(width=1, scales=options.scales))
