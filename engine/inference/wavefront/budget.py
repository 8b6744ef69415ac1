"""What a schedule costs, said before anything runs; how the text is cut so that it fits; what was really done. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from time import perf_counter

from engine.errors import MachineError
from engine.units import byte_size


@dataclass(frozen=True, slots=True)
class Announced:
    """What a sweep will do."""

    layer_forwards: int
    """Edges of the trie, each on every chunk of the text; an edge on one chunk counts once."""
    heads: int
    """Readings of a node where plans end (the base's too) on a chunk: norm, projection, what is made of the logits."""
    chunks: int
    """Pieces that the text is cut into so that the states fit."""
    passes: int
    """Walks over the layers for each chunk; 1 where the layers are resident."""
    layer_reads: int
    """Layers read from the files, over all passes and chunks; 0 where they are resident."""
    read_bytes: int
    """Their bytes in the files."""
    state_bytes: int
    """Of hidden states that are alive at once, at most, with what was recorded of the text."""
    base_bytes: int
    """Of what is kept of the base to compare others with; 0 where its logits are computed again for each plan."""
    weight_bytes: int
    """Of weights held at once: streamed layers and the model's ends, scaled copies."""
    work_bytes: int
    """Of what a layer or a head needs while it computes, about."""

    @property
    def held_bytes(self) -> int:
        """What is within the memory that was asked for."""
        return self.state_bytes + self.base_bytes + self.weight_bytes + self.work_bytes


@dataclass(slots=True)
class Counted:
    """What a sweep did, counted where it is done."""

    layer_forwards: int = 0
    heads: int = 0
    chunks: int = 0
    layer_reads: int = 0
    read_bytes: int = 0
    state_bytes: int = 0
    """Of hidden states that were alive at once, at most; without what was recorded of the text."""
    seconds: dict[str, float] = field(default_factory=dict)
    """By part: "recording", "waiting" (for weights to be read), "weights" (made ready), "layers", "heads"."""

    def spent(self, part: str, began: float) -> None:
        """Adds the time since `began`, which is a `perf_counter`."""
        self.seconds[part] = self.seconds.get(part, 0.0) + perf_counter() - began


def chunks(needed: Sequence[int], room: int) -> list[range]:
    """The batches, numbered from 0, in as few runs as fit: `needed` are the bytes of each, `room` is for one run.

    Raises MachineError when one batch alone does not fit.
    """
    return [range(start, stop) for start, stop in _cuts(needed, room)]


def _cuts(needed: Sequence[int], room: int) -> Iterator[tuple[int, int]]:
    if max(needed) > room:
        raise _too_little(max(needed), room)
    start = held = 0
    for number, size in enumerate(needed):
        if held + size > room:
            yield start, number
            start, held = number, 0
        held += size
    yield start, len(needed)


def _too_little(size: int, room: int) -> MachineError:
    more = 1.005 * (size - room)  # formatted with three digits, and still enough
    left = f"{byte_size(room)} are left for them" if room > 0 else "nothing is left for them"
    return MachineError(
        "the memory does not suffice for one batch of the text",
        why=f"its states need {byte_size(size)}, and beside the weights {left}",
        fix=f"Give {byte_size(more)} more (--memory), shorter sequences (--seq-len), fewer plans, or a narrower "
        "--dtype.",
    )
