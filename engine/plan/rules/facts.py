"""Input of a rule: the plan, its checkpoints, the runs of its layers and the check's context.

Rules about slices use runs, so that the result does not depend on how the author cut the plan into slices.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from engine.checkpoint.checkpoint import Checkpoint
from engine.plan.cost import Cost, cost_of
from engine.plan.model import Plan, Position, Slice
from engine.plan.patches import Patch
from engine.plan.rules.inert_slices import InertSlices, ResidualWriters
from engine.plan.source_defects import Opened
from engine.plan.stack import Stack, Visit, compile_plan

SEVERAL = 2
"""Minimum jump of overlapping slices; a jump of one layer repeats that layer in place."""


class Run(NamedTuple):
    """Layers [start, end) of one checkpoint."""

    checkpoint: Checkpoint
    start: int
    end: int
    slice_index: int
    """Index of the plan's slice in which it begins."""

    @property
    def length(self) -> int:
        return self.end - self.start

    @property
    def depth(self) -> int:
        """Number of layers of the checkpoint."""
        return self.checkpoint.layer_count

    def __str__(self) -> str:
        return f"[{self.start}, {self.end}]"


def runs_of(visits: Iterable[Visit]) -> tuple[Run, ...]:
    runs: list[Run] = []
    for visit in visits:
        checkpoint, layer = visit.checkpoint, visit.layer
        if runs and runs[-1].end == layer and runs[-1].checkpoint is checkpoint:
            _, start, _, slice_index = runs.pop()
            runs.append(Run(checkpoint, start, layer + 1, slice_index))
        else:
            runs.append(Run(checkpoint, layer, layer + 1, visit.slice_index))
    return tuple(runs)


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


OpenedBy: TypeAlias = Callable[[Stack], Opened]
"""Function that returns transformers' findings about a stack's sources and the new model."""


class Device(NamedTuple):
    """Device for the new model."""

    name: str
    """Name as the user writes it, e.g. "cuda:0"."""
    memory: int
    """Size in bytes."""


class Inertness(NamedTuple):
    """Inertness of zeroed copies of a checkpoint's layers: they are inert if both fields are empty."""

    reason: str = ""
    """Why they are not inert."""
    unknown: str = ""
    """Why the trial was not possible."""


def _not_tried(_checkpoint: Checkpoint) -> Inertness:
    return Inertness()


@dataclass(frozen=True, slots=True)
class CheckContext:
    """Context of a check that is not in the plan. The caller looks it up, because rules do no I/O."""

    off: tuple[str, ...] = ()
    """Ids of the rules that the configuration switches off."""
    free_disk: int | None = None
    """Free bytes on the disk for the new model."""
    device: Device | None = None
    inertness: Callable[[Checkpoint], Inertness] = _not_tried
    """Function that returns the result of the trial of a checkpoint's layers."""
    changed_sources: Callable[[Checkpoint], Sequence[str]] = lambda _checkpoint: ()
    """Function that returns the sources of a merged checkpoint that are here and have changed since."""
    opened: OpenedBy = lambda _stack: Opened()
    patches: tuple[Patch, ...] = ()
    """Patches of the new model, in the order in which they apply."""


UNKNOWN = CheckContext()
"""Empty context: no rule is off."""


@dataclass(frozen=True)
class Facts:
    """A plan and its opened checkpoints."""

    plan: Plan
    checkpoints: Mapping[str, Checkpoint]
    context: CheckContext = UNKNOWN

    @cached_property
    def stack(self) -> Stack:
        """Compiled stack; only for rules of the stack, which run after the ranges are checked."""
        return replace(compile_plan(self.plan, self.checkpoints), patches=self.context.patches)

    @cached_property
    def opened(self) -> Opened:
        return self.context.opened(self.stack)

    def is_opened(self, checkpoint: Checkpoint) -> bool:
        """Return True if transformers has opened the checkpoint."""
        report = self.opened.sources.get(checkpoint)
        return report is not None and not report.unavailable

    def opens_completely(self, checkpoint: Checkpoint) -> bool:
        return self.is_opened(checkpoint) and self.opened.sources[checkpoint].ok

    def takes(self, checkpoint: Checkpoint, layer: int | None) -> bool:
        """Return True if the new model uses this layer of a checkpoint; None: anything outside the layers."""
        stack = self.stack
        if layer is None:
            return checkpoint in (stack.embedding.checkpoint, stack.head.checkpoint, stack.config_donor)
        return (checkpoint, layer) in self._taken

    @cached_property
    def _taken(self) -> frozenset[tuple[Checkpoint, int]]:
        return frozenset((part.checkpoint, part.layer) for visit in self.stack.visits for part in visit.parts)

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """Runs of consecutive layers, without inert copies."""
        return runs_of(visit for visit in self.stack.visits if not self.inert_slices.is_inert(visit))

    @cached_property
    def residual(self) -> ResidualWriters:
        return ResidualWriters()

    @cached_property
    def inert_slices(self) -> InertSlices:
        return InertSlices(self.residual)

    @cached_property
    def cost(self) -> Cost:
        return cost_of(self.stack)

    def first_mentions(self) -> Iterator[tuple[str, Position]]:
        """Yield each checkpoint's reference and the position of its first mention in the slices."""
        slices: dict[str, Slice] = {}
        for slice_ in self.plan.slices:
            slices.setdefault(slice_.model, slice_)
        return ((model, slice_.model_place) for model, slice_ in slices.items())

    def place_of(self, part: Visit | Run) -> Position:
        return self.plan.slices[part.slice_index].range_place
