"""Expected and actual cost of a schedule, and the division of the text into chunks that fit in memory. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from time import perf_counter

from engine.errors import MachineError
from engine.units import byte_size


@dataclass(frozen=True, slots=True)
class Announced:
    """Expected cost of a sweep."""

    layer_forwards: int
    """Number of layer runs: edges of the trie times chunks of the text."""
    heads: int
    """Number of evaluations of final norm, head and logits: nodes where plans (or the base) end times chunks."""
    chunks: int
    """Number of pieces of the text, chosen so that the states fit in memory."""
    passes: int
    """Passes over the layers per chunk; 1 for resident layers."""
    layer_reads: int
    """Number of layers read from files, over all passes and chunks; 0 for resident layers."""
    read_bytes: int
    """Bytes of the layers read."""
    state_bytes: int
    """Peak size of the live hidden states and the recordings, in bytes."""
    base_bytes: int
    """Size of the base's predictions kept for comparison; 0 if its logits are recomputed for each plan."""
    weight_bytes: int
    """Peak size of weights in bytes: streamed layers, tensors outside the layers, scaled copies."""
    work_bytes: int
    """Estimated size of the intermediate results of a layer or the head, in bytes."""

    @property
    def held_bytes(self) -> int:
        """Total size in bytes, at most the requested memory."""
        return self.state_bytes + self.base_bytes + self.weight_bytes + self.work_bytes


@dataclass(slots=True)
class Counted:
    """Actual cost of a sweep."""

    layer_forwards: int = 0
    heads: int = 0
    chunks: int = 0
    layer_reads: int = 0
    read_bytes: int = 0
    state_bytes: int = 0
    """Peak size of the live hidden states in bytes, without the recordings."""
    seconds: dict[str, float] = field(default_factory=dict)
    """Seconds by phase: "recording", "waiting" (for weights from files), "weights" (preparation), "layers", "heads"."""

    def spent(self, part: str, began: float) -> None:
        """Add the time since `began`, a value of `perf_counter`, to a phase."""
        self.seconds[part] = self.seconds.get(part, 0.0) + perf_counter() - began


def chunks(needed: Sequence[int], room: int) -> list[range]:
    """Divide the batches into as few chunks as possible. needed: bytes of each batch; room: bytes for one chunk.

    Raises MachineError if a single batch does not fit.
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
    more = 1.005 * (size - room)  # still enough when rounded to three digits
    left = f"{byte_size(room)} are left for them" if room > 0 else "nothing is left for them"
    return MachineError(
        "the memory does not suffice for one batch of the text",
        why=f"its states need {byte_size(size)}, and next to the weights {left}",
        fix=f"Give {byte_size(more)} more (--memory), shorter sequences (--seq-len), fewer plans, or a narrower "
        "--dtype.",
    )
