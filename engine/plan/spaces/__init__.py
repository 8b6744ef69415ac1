"""Spaces: sets of plans for one sweep, one file each, from a checkpoint and options to plans.

Every plan is written like that of a recipe and can be merged unchanged. Repeated visits may be scaled.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import UsageError
from engine.plan.recipes.blocks import Block, writer_scales
from engine.plan.recipes.text import SliceText, layers_in_words


@dataclass(frozen=True, slots=True)
class SweptPlan:
    """A plan of a space."""

    name: str
    """Unique name in its space, e.g. "12:17", "12:17 x0.5", "slice_size=8 last_slice=12"."""
    text: str
    """YAML text."""
    block: Block | None = None
    """Block that the plan repeats, if it does nothing else."""
    scale: float = 1.0
    """Factor on what the repeated visits write into the residual stream."""


def require_plans(plans: Iterable[SweptPlan], why: str, fix: str) -> tuple[SweptPlan, ...]:
    """Return the plans as a tuple. Raises UsageError with `why` and `fix` if there is no plan."""
    swept = tuple(plans)
    if not swept:
        raise UsageError("there is nothing to sweep", why=why, fix=fix)
    return swept


def repeats_scaled(checkpoint: Checkpoint, blocks: Iterable[Block], scale: float) -> Iterator[SliceText]:
    """Yield the blocks in order, with repeated visits scaled by `scale`.

    Raises CheckpointError if something must be scaled in a family whose residual writers are unknown.
    """
    seen: set[int] = set()
    for start, end in blocks:
        layers = range(start, end)
        runs = groupby(layers, key=seen.__contains__) if scale != 1 else [(False, iter(layers))]
        for is_repeated, run in runs:
            first, *rest = run
            yield _slice(checkpoint, (first, first + len(rest) + 1), seen, scale if is_repeated else 1.0)
        seen |= set(layers)


def require_scale(scale: float) -> None:
    """Raise UsageError for a scale that is not finite."""
    if not math.isfinite(scale):
        raise UsageError(f"a visit cannot be scaled by {scale}", fix="Use numbers such as 1,0.7,0.5.")


def in_name(scale: float) -> str:
    """Return the part of a plan's name for its scale; "" for 1."""
    return "" if scale == 1 else f" x{scale:g}"


def in_title(scale: float) -> list[str]:
    """Return the line of a plan's head for its scale; none for 1."""
    return [] if scale == 1 else [f"Repeated visits write {scale:g} times as much into the residual stream."]


def _slice(checkpoint: Checkpoint, run: Block, seen: set[int], scale: float) -> SliceText:
    again = [layer for layer in range(*run) if layer in seen]
    words = layers_in_words(*run)
    if scale != 1:
        return SliceText(*run, f"{words} again, scaled", writer_scales(checkpoint, run, scale))
    if again and len(again) < run[1] - run[0]:
        return SliceText(*run, f"{words}; {layers_in_words(again[0], again[-1] + 1)} again")
    return SliceText(*run, f"{words} again" if again else words)
