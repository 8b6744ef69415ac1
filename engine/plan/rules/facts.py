"""What a rule may look at."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeAlias

from engine.checkpoint.checkpoint import Checkpoint
from engine.plan.cost import Cost, cost_of
from engine.plan.loading import Opened
from engine.plan.model import Place, Plan, Slice
from engine.plan.patches import Patch
from engine.plan.rules.runs import Run, runs_of
from engine.plan.rules.silence import Silence
from engine.plan.rules.writing import Writing
from engine.plan.stack import Stack, Visit, compile_plan

OpenedBy: TypeAlias = Callable[[Stack], Opened]
"""Finds out what transformers says of a stack's sources and of the new model."""


@dataclass(frozen=True, slots=True)
class Device:
    """What the new model is to run on."""

    name: str
    """As the user calls it: "cuda:0"."""
    memory: int
    """Bytes."""


@dataclass(frozen=True, slots=True)
class Inertness:
    """Whether silenced copies of a checkpoint's layers are inert: they are where neither field says anything else."""

    reason: str = ""
    """Why they are not."""
    unknown: str = ""
    """Why it could not be tried."""


def _not_tried(_checkpoint: Checkpoint) -> Inertness:
    return Inertness()


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the plan's text does not tell: looked up by whoever asks for the check, as rules read no disk."""

    off: tuple[str, ...] = ()
    """Ids of the rules that the configuration switches off."""
    free_disk: int | None = None
    """Bytes free where the new model is to be written."""
    device: Device | None = None
    inertness: Callable[[Checkpoint], Inertness] = _not_tried
    """Result of the trial of a checkpoint's layers."""
    opened: OpenedBy = lambda _stack: Opened()
    patches: tuple[Patch, ...] = ()
    """Patches of the new model, in the order in which they apply."""


UNKNOWN = Circumstances()
"""Nothing is known, no rule is off."""


@dataclass(frozen=True)
class Facts:
    """A plan and the checkpoints it names, opened."""

    plan: Plan
    checkpoints: Mapping[str, Checkpoint]
    circumstances: Circumstances = UNKNOWN

    @cached_property
    def stack(self) -> Stack:
        """Only for rules of the stack: every slice is known to lie inside its checkpoint."""
        return replace(compile_plan(self.plan, self.checkpoints), patches=self.circumstances.patches)

    @cached_property
    def opened(self) -> Opened:
        return self.circumstances.opened(self.stack)

    def is_opened(self, checkpoint: Checkpoint) -> bool:
        """Whether it is known what transformers says of a checkpoint."""
        found = self.opened.sources.get(checkpoint)
        return found is not None and not found.unavailable

    def opens_whole(self, checkpoint: Checkpoint) -> bool:
        return self.is_opened(checkpoint) and self.opened.sources[checkpoint].ok

    def takes(self, checkpoint: Checkpoint, layer: int | None) -> bool:
        """Whether the new model takes this layer of a checkpoint; None: anything outside the layers."""
        stack = self.stack
        if layer is None:
            return checkpoint in (stack.embedding.checkpoint, stack.head.checkpoint, stack.config_donor)
        return (checkpoint, layer) in self._taken

    @cached_property
    def _taken(self) -> frozenset[tuple[Checkpoint, int]]:
        return frozenset((part.checkpoint, part.layer) for visit in self.stack.visits for part in visit.parts)

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """The stack as a reader follows it: layers that act one after another; inert copies are not counted."""
        return runs_of(visit for visit in self.stack.visits if not self.silence.is_inert(visit))

    @cached_property
    def writing(self) -> Writing:
        return Writing()

    @cached_property
    def silence(self) -> Silence:
        return Silence(self.writing)

    @cached_property
    def cost(self) -> Cost:
        return cost_of(self.stack)

    def first_mentions(self) -> Iterator[tuple[str, Place]]:
        """Each checkpoint's reference and where the slices name it first."""
        slices: dict[str, Slice] = {}
        for slice_ in self.plan.slices:
            slices.setdefault(slice_.model, slice_)
        return ((model, slice_.model_place) for model, slice_ in slices.items())

    def place_of(self, visit: Visit) -> Place:
        return self.plan.slices[visit.slice_index].range_place
