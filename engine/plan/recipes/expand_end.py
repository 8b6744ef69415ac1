"""expand-end: block expansion with all inert copies at the end, to be trained.

LLaMA Pro's method with every copy of the last layer. In the paper's own comparison copies spread over the depth did
better after training than copies at the end (65.9 against 58.6 on its average): see the recipe llama-pro.
Source: Pretergeek/OpenChat-3.5-0106_BlockExpansion-40Layers-End, [0, 32] and eight times [31, 32] zeroed.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from engine.checkpoint.checkpoint import Checkpoint
from engine.plan.recipes.blocks import require_copies
from engine.plan.recipes.scales import silencing
from engine.plan.recipes.text import SliceText, inert_plan_text, layers_in_words


@dataclass(frozen=True, slots=True)
class Options:
    """How much to add."""

    copies: int | None = None
    """How many inert copies of the last layer; default: 8 for 32 layers."""


def write(checkpoint: Checkpoint, options: Options) -> str:
    """The plan's text. Raises UsageError for fewer than one copy, CheckpointError for a family whose residual writers
    are not known."""
    layers = checkpoint.layer_count
    copies = max(1, layers // 4) if options.copies is None else options.copies
    require_copies(copies)
    title = [
        f"Block expansion at the end of {checkpoint.reference}: {layers} layers become {layers + copies}.",
        "Each copy adds nothing until it is trained. Train the copies, freeze the rest.",
    ]
    return inert_plan_text(title, checkpoint, _slices(checkpoint, copies))


def _slices(checkpoint: Checkpoint, copies: int) -> Iterator[SliceText]:
    layers = checkpoint.layer_count
    last = (layers - 1, layers)
    yield SliceText(0, layers, f"{layers_in_words(0, layers)}: the whole model")
    zeroed = silencing(checkpoint, last)
    for _ in range(copies):
        yield SliceText(*last, f"inert copy of layer {layers - 1}", zeroed)
