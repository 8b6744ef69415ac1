"""The stack as runs: layers of one checkpoint that follow each other upwards.

Rules about slices look at runs, so that a plan is judged alike however its author cut it into slices.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from engine.checkpoint.checkpoint import Checkpoint
from engine.plan.stack import Visit

SEVERAL = 2
"""A jump back of one layer repeats that layer in place; overlapping slices begin with two."""


@dataclass(frozen=True, slots=True)
class Run:
    """Layers [start, end) of one checkpoint, in their order."""

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
        """How many layers its checkpoint has."""
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
    """How many layers each run but the first begins below the end of the one before; negative where layers are left
    out, 0 where another checkpoint continues."""
    return [before.end - after.start for before, after in pairwise(runs)]


def repeats_layers(runs: Sequence[Run]) -> bool:
    """Whether there is a jump back anywhere."""
    return any(jump > 0 for jump in jumps_of(runs))


def is_overlapping(runs: Sequence[Run]) -> bool:
    """Whether the plan is made of overlapping slices: at least three, each beginning several layers back.

    One block visited twice, or single layers doubled in place, are other methods with other rules.
    """
    jumps = jumps_of(runs)
    return len(jumps) >= 2 and min(jumps) >= SEVERAL
