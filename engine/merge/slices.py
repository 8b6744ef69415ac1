"""The slices of a stack, as card and manifest tell them."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from engine.checkpoint.checkpoint import Checkpoint
from engine.plan.stack import Stack


@dataclass(frozen=True, slots=True)
class WrittenSlice:
    """A run of new layers that came from one run of layers of one checkpoint."""

    checkpoint: Checkpoint
    start: int
    """First source layer."""
    end: int
    """Behind the last source layer."""
    new_start: int
    """Layer of the new model where it begins."""
    is_scaled: bool

    @property
    def new_end(self) -> int:
        return self.new_start + self.end - self.start


def written_slices(stack: Stack) -> Iterator[WrittenSlice]:
    """The slices of the plan that gave layers, from bottom to top."""
    numbered = enumerate(stack.visits)
    for _, group in groupby(numbered, key=lambda item: item[1].slice_index):
        members = list(group)
        (new_start, first), (_, last) = members[0], members[-1]
        is_scaled = any(visit.is_scaled for _, visit in members)
        yield WrittenSlice(first.checkpoint, first.layer, last.layer + 1, new_start, is_scaled)


def public_name(checkpoint: Checkpoint) -> str:
    """The hub id of a checkpoint in the hub's cache; otherwise the name of its directory, which tells no path."""
    return hub_id(checkpoint) or checkpoint.directory.resolve().name


def hub_id(checkpoint: Checkpoint) -> str | None:
    """ "org/name" for a snapshot of the hub's cache, laid out as models--org--name/snapshots/COMMIT."""
    repository = _repository(checkpoint.directory)
    return repository.name.removeprefix("models--").replace("--", "/", 1) if repository else None


def _repository(directory: Path) -> Path | None:
    snapshots = directory.absolute().parent
    is_cached = snapshots.name == "snapshots" and snapshots.parent.name.startswith("models--")
    return snapshots.parent if is_cached else None
