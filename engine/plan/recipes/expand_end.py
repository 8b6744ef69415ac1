"""expand-end: block expansion with all inert copies at the end, for training.

LLaMA Pro's method with copies of the last layer only. In the paper's comparison copies spread over the depth were
better after training than copies at the end (average 65.9 against 58.6): see the recipe llama-pro.
Source: Pretergeek/OpenChat-3.5-0106_BlockExpansion-40Layers-End, [0, 32] and eight times [31, 32] zeroed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from engine.checkpoint.checkpoint import Checkpoint
from engine.plan.recipes.blocks import require_copies, zeroing
from engine.plan.recipes.text import SliceText, inert_plan_text, layers_in_words


@dataclass(frozen=True, slots=True)
class Options:
    """Number of copies."""

    copies: Annotated[int | None, "Number of inert copies of the last layer (default: 8 for 32 layers)."] = None


def write(checkpoint: Checkpoint, options: Options) -> str:
    """Return the plan's text.

    Raises UsageError for fewer than one copy, CheckpointError for a family whose residual writers are unknown.
    """
    layers = checkpoint.layer_count
    copies = max(1, layers // 4) if options.copies is None else options.copies
    require_copies(copies)
    title = [
        f"Block expansion at the end of {checkpoint.reference}: {layers} layers become {layers + copies}.",
        "The copies have no effect until they are trained. Train the copies, freeze the rest.",
    ]
    return inert_plan_text(title, checkpoint, _slices(checkpoint, copies))


def _slices(checkpoint: Checkpoint, copies: int) -> Iterator[SliceText]:
    layers = checkpoint.layer_count
    last = (layers - 1, layers)
    yield SliceText(0, layers, f"{layers_in_words(0, layers)}: the whole model")
    zeroed = zeroing(checkpoint, last)
    for _ in range(copies):
        yield SliceText(*last, f"inert copy of layer {layers - 1}", zeroed)
