"""llama-pro: block expansion with inert copies, for training.

After every group of layers follows one copy of the group's last layer with its residual writers scaled to 0: the new
model computes exactly the same as its base until the copies are trained.
Source: LLaMA Pro, arXiv 2401.02415: one copy for every four layers of 32.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import UsageError
from engine.plan.recipes.blocks import zeroing
from engine.plan.recipes.text import SliceText, inert_plan_text, layers_in_words

LAYERS_A_COPY = 4
"""Layers per copy in the paper."""


@dataclass(frozen=True, slots=True)
class Options:
    """Number of copies."""

    groups: Annotated[
        int | None, "Number of inert copies, spread evenly over the layers (default: one for every four layers)."
    ] = None


def write(checkpoint: Checkpoint, options: Options) -> str:
    """Return the plan's text.

    Raises UsageError for an impossible number of groups, CheckpointError for a family whose copies would not be inert.
    """
    layers = checkpoint.layer_count
    groups = max(1, layers // LAYERS_A_COPY) if options.groups is None else options.groups
    if not 1 <= groups <= layers:
        why = f"{checkpoint.reference} has {layers} layers"
        raise UsageError(f"{groups} groups are not possible", why=why, fix=f"Use 1 to {layers} groups.")
    title = [
        f"LLaMA Pro expansion of {checkpoint.reference}: {layers} layers become {layers + groups}.",
        "The copies have no effect until they are trained. Train the copies, freeze the rest.",
    ]
    return inert_plan_text(title, checkpoint, _slices(checkpoint, groups))


def _slices(checkpoint: Checkpoint, groups: int) -> Iterator[SliceText]:
    layers = checkpoint.layer_count
    ends = [round((group + 1) * layers / groups) for group in range(groups)]
    for start, end in zip([0, *ends], ends, strict=False):
        yield SliceText(start, end, layers_in_words(start, end))
        last = (end - 1, end)
        yield SliceText(*last, f"inert copy of layer {end - 1}", zeroing(checkpoint, last))
