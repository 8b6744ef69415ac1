"""solar: two copies of the model, the first without its last layers, the second without its first.

At 32 layers the default is SOLAR 10.7B: [0, 24] [8, 32], 48 layers. The model was then trained on: as it stands it is
worse than its base, and recovers fast.
Source: SOLAR 10.7B, arXiv 2312.15166.
"""

from dataclasses import dataclass

from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import UsageError
from engine.plan.recipes.text import SliceText, layers_in_words, plan_text


@dataclass(frozen=True, slots=True)
class Options:
    """What each copy gives up."""

    drop: int | None = None
    """How many layers each copy loses, at the end or the start; default: 8 of 32."""


def write(checkpoint: Checkpoint, options: Options) -> str:
    """The plan's text. Raises UsageError when nothing would be repeated."""
    layers = checkpoint.layer_count
    drop = layers // 4 if options.drop is None else options.drop
    if not 0 <= drop < layers / 2:
        raise UsageError(
            f"{drop} layers cannot be dropped from each copy",
            why=f"{checkpoint.reference} has {layers} layers, and both copies together must keep more",
            fix=f"Drop 0 to {(layers - 1) // 2} layers.",
        )
    grown = 2 * (layers - drop)
    title = [
        f"SOLAR's depth up-scaling of {checkpoint.reference}: {layers} layers become {grown}.",
        "To be trained: the seam in the middle costs quality until then.",
    ]
    first = SliceText(0, layers - drop, f"the first copy: {layers_in_words(0, layers - drop)}")
    second = SliceText(drop, layers, f"the second copy: {layers_in_words(drop, layers)}")
    return plan_text(title, checkpoint.reference, [first, second])
