"""solar: two copies of the model, the first without its last layers, the second without its first.

At 32 layers the default is SOLAR 10.7B: [0, 24] [8, 32], 48 layers. SOLAR was then trained further: untrained, the
stack is worse than its base, and it recovers fast.
Source: SOLAR 10.7B, arXiv 2312.15166.
"""

from dataclasses import dataclass
from typing import Annotated

from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import UsageError
from engine.plan.recipes.text import SliceText, layers_in_words, plan_text


@dataclass(frozen=True, slots=True)
class Options:
    """Overlap of the copies."""

    drop: Annotated[
        int | None,
        "Number of layers removed from each copy, at the end of the first and the start of the second (default: 8"
        " of 32).",
    ] = None


def write(checkpoint: Checkpoint, options: Options) -> str:
    """Return the plan's text. Raises UsageError if nothing would be repeated."""
    layers = checkpoint.layer_count
    drop = layers // 4 if options.drop is None else options.drop
    if not 0 <= drop < layers / 2:
        raise UsageError(
            f"{drop} layers cannot be dropped from each copy",
            why=f"{checkpoint.reference} has {layers} layers, and the two copies must overlap",
            fix=f"Drop 0 to {(layers - 1) // 2} layers.",
        )
    grown = 2 * (layers - drop)
    title = [
        f"SOLAR's depth up-scaling of {checkpoint.reference}: {layers} layers become {grown}.",
        "Needs training: until then the seam in the middle degrades quality.",
    ]
    first = SliceText(0, layers - drop, f"the first copy: {layers_in_words(0, layers - drop)}")
    second = SliceText(drop, layers, f"the second copy: {layers_in_words(drop, layers)}")
    return plan_text(title, checkpoint.reference, [first, second])
