"""What a rule may look at."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from engine.checkpoint.checkpoint import Checkpoint
from engine.plan.model import Place, Plan
from engine.plan.stack import Stack, Visit, compile_plan


@dataclass(frozen=True)
class Facts:
    """A plan and the checkpoints it names, opened."""

    plan: Plan
    checkpoints: Mapping[str, Checkpoint]

    @cached_property
    def stack(self) -> Stack:
        """Only for rules of the stack: every slice is known to lie inside its checkpoint."""
        return compile_plan(self.plan, self.checkpoints)

    def first_mentions(self) -> Iterator[tuple[str, Place]]:
        """Each checkpoint's reference and where the slices name it first."""
        places: dict[str, Place] = {}
        for slice_ in self.plan.slices:
            places.setdefault(slice_.model, slice_.model_place)
        yield from places.items()

    def place_of(self, visit: Visit) -> Place:
        return self.plan.slices[visit.slice_index].range_place
