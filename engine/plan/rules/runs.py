"""Runs: consecutive layers of one checkpoint in a stack.

Rules about slices use runs, so that the result does not depend on how the author cut the plan into slices.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from engine.checkpoint.checkpoint import Checkpoint
from engine.plan.stack import Visit

SEVERAL = 2
"""Minimum jump of overlapping slices; a jump of one layer repeats that layer in place."""


class Run(NamedTuple):
    """Layers [start, end) of one checkpoint."""

    first: Visit
    length: int

    @property
    def checkpoint(self) -> Checkpoint:
        return self.first.checkpoint

    @property
    def start(self) -> int:
        return self.first.layer

    @property
    def end(self) -> int:
        return self.start + self.length

    @property
    def depth(self) -> int:
        """Number of layers of the checkpoint."""
        return self.checkpoint.layer_count

    def __str__(self) -> str:
        return f"[{self.start}, {self.end}]"


def runs_of(visits: Iterable[Visit]) -> tuple[Run, ...]:
    runs: list[Run] = []
    first: Visit | None = None
    length = 0
    for visit in visits:
        if first is not None and visit.checkpoint is first.checkpoint and visit.layer == first.layer + length:
            length += 1
            continue
        if first is not None:
            runs.append(Run(first, length))
        first, length = visit, 1
    return tuple(runs) if first is None else (*runs, Run(first, length))


def jumps_of(runs: Sequence[Run]) -> list[int]:
    """Return for each run after the first how many layers it overlaps the one before.

    Negative if layers are skipped, 0 if another checkpoint continues.
    """
    return [before.end - after.start for before, after in pairwise(runs)]


def repeats_layers(runs: Sequence[Run]) -> bool:
    """Return True if any run jumps back."""
    return any(jump > 0 for jump in jumps_of(runs))


def is_overlapping(runs: Sequence[Run]) -> bool:
    """Return True for a plan of at least three overlapping slices, each several layers back.

    One repeated block, and single layers doubled in place, are different methods.
    """
    jumps = jumps_of(runs)
    return len(jumps) >= 2 and min(jumps) >= SEVERAL
