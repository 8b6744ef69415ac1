"""Plans of a space, and slices whose repeated visits are scaled."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import UsageError
from engine.plan.recipes.blocks import Block
from engine.plan.recipes.scales import writer_scales
from engine.plan.recipes.text import SliceText, layers_in_words


@dataclass(frozen=True, slots=True)
class SweptPlan:
    """A plan, and where it stands in its space."""

    name: str
    """What tells it from the others, e.g. "12:17", "12:17 x0.5", "slice_size=8 last_slice=12"."""
    text: str
    """The YAML."""
    block: Block | None = None
    """Where one block is visited again and nothing else is done: that block."""
    scale: float = 1.0
    """On what the repeated visits write into the residual stream."""


def require_plans(plans: Iterable[SweptPlan], why: str, fix: str) -> tuple[SweptPlan, ...]:
    """The plans. Raises UsageError, saying why and what to do, when there are none."""
    found = tuple(plans)
    if not found:
        raise UsageError("there is nothing to sweep", why=why, fix=fix)
    return found


def repeats_scaled(checkpoint: Checkpoint, blocks: Iterable[Block], scale: float) -> Iterator[SliceText]:
    """The blocks one after another; what is visited again writes `scale` times as much into the residual stream.

    Raises CheckpointError for a family whose residual writers are not known, if there is anything to scale.
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
    """Raises UsageError for what scales nothing."""
    if not math.isfinite(scale):
        raise UsageError(f"a visit cannot be scaled by {scale}", fix="Give numbers such as 1,0.7,0.5.")


def in_name(scale: float) -> str:
    """What a plan's name says of its scale: nothing where it is 1."""
    return "" if scale == 1 else f" x{scale:g}"


def in_title(scale: float) -> list[str]:
    """The same for the head of a plan, as a line."""
    return [] if scale == 1 else [f"Repeated visits write {scale:g} times as much into the residual stream."]


def _slice(checkpoint: Checkpoint, run: Block, seen: set[int], scale: float) -> SliceText:
    again = [layer for layer in range(*run) if layer in seen]
    words = layers_in_words(*run)
    if scale != 1:
        return SliceText(*run, f"{words} again, scaled", writer_scales(checkpoint, run, scale))
    if again and len(again) < run[1] - run[0]:
        return SliceText(*run, f"{words}; {layers_in_words(again[0], again[-1] + 1)} again")
    return SliceText(*run, f"{words} again" if again else words)
