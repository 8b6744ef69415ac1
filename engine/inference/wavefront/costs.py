"""Memory cost of a schedule per batch of the text, and its announcement."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.inference.replay import record
from engine.inference.sequences import require_fit
from engine.inference.wavefront.budget import Announced, chunks
from engine.inference.wavefront.layers import Layers
from engine.inference.wavefront.readers import Reader
from engine.inference.wavefront.schedule import Order, most_alive, passes_of, stops
from engine.inference.wavefront.trie import Trie

if TYPE_CHECKING:
    import torch

_INNER_STATES = 4
"""Estimated number of the widest intermediate states that a layer holds."""
_LOGITS = 2
"""Number of logit tensors held: a plan's, and the base's if it is recomputed."""


@dataclass(frozen=True, slots=True)
class Costs:
    """Memory cost in bytes; lists have one entry per batch of the text."""

    recorded: Sequence[int]
    """Size of the embeddings and the recorded arguments of the layers."""
    states: Sequence[int]
    """Peak size of the live hidden states."""
    last: Sequence[int]
    """Size of the base's last hidden states."""
    base: Sequence[int]
    """Size of the base's predictions that the reader can keep."""
    weights: int
    work: int

    def chunks(self, memory: int, *, keeps_base: bool) -> list[range]:
        """Divide the batches into chunks. Raises MachineError if a single batch does not fit."""
        return chunks(self._needed(keeps_base=keeps_base), self._room(memory))

    def has_room_for_base(self, memory: int, *, is_resident: bool) -> bool:
        """Return True if the base can be kept without more layer reads; resident layers need none."""
        if max(self._needed(keeps_base=True)) > self._room(memory):
            return False
        cut, cut_without = (self.chunks(memory, keeps_base=keeps_base) for keeps_base in (True, False))
        return is_resident or len(cut) == len(cut_without)

    def announced(
        self, layers: Layers, trie: Trie, order: Order, cut: Sequence[range], *, keeps_base: bool
    ) -> Announced:
        walked = [] if layers.is_resident else stops(trie, order)
        states = self._added(self.recorded, self.states, *([] if keeps_base else [self.last]))
        return Announced(
            layer_forwards=trie.edges * len(cut),
            heads=len(trie.ending) * len(cut),
            chunks=len(cut),
            passes=1 if layers.is_resident else len(passes_of(trie)),
            layer_reads=len(walked) * len(cut),
            read_bytes=layers.read_bytes(walked) * len(cut),
            state_bytes=_largest(states, cut),
            base_bytes=_largest(self.base, cut) if keeps_base else 0,
            weight_bytes=self.weights,
            work_bytes=self.work,
        )

    def _room(self, memory: int) -> int:
        return memory - self.weights - self.work

    def _needed(self, *, keeps_base: bool) -> list[int]:
        return self._added(self.recorded, self.states, self.base if keeps_base else self.last)

    def _added(self, *parts: Sequence[int]) -> list[int]:
        return [sum(batch) for batch in zip(*parts, strict=True)]


def costs_of(
    layers: Layers, trie: Trie, order: Order, batches: "Sequence[torch.Tensor]", reader: Reader[Any, Any], together: int
) -> Costs:
    """Return the costs; records one batch of each shape. Raises like `plan_work`."""
    sizes = _recorded_bytes(layers.model, batches)
    embedded = [sizes[batch.shape][0] for batch in batches]
    vocabulary = int(layers.model.config.get_text_config().vocab_size)
    widest = max(max(tensor.shape, default=0) for tensor in layers.checkpoint.layer_tensors(0))
    at_once = max(_LOGITS * vocabulary, _INNER_STATES * widest * together)
    return Costs(
        recorded=[sizes[batch.shape][1] for batch in batches],
        states=[size * (most_alive(trie, order) + 2 * (together - 1)) for size in embedded],
        last=embedded,
        base=[reader.bytes_kept(batch.numel(), vocabulary) for batch in batches],
        weights=layers.held_bytes(is_scaled=any(step.scale != 1.0 for step in trie.steps)),
        work=max(batch.numel() for batch in batches) * int(layers.model.dtype.itemsize) * at_once,
    )


def _recorded_bytes(model: Any, batches: "Sequence[torch.Tensor]") -> "dict[torch.Size, tuple[int, int]]":
    """Return the sizes of embeddings and recording in bytes, by shape of the batch."""
    sizes: dict[torch.Size, tuple[int, int]] = {}
    for batch in batches:
        require_fit(model, batch)
        if batch.shape not in sizes:
            recording = record(model, batch)
            sizes[batch.shape] = recording.embedded.nbytes, recording.nbytes
    return sizes


def _largest(sizes: Sequence[int], cut: Sequence[range]) -> int:
    """Return the largest sum of `sizes` over the chunks."""
    return max(sum(sizes[number] for number in run) for run in cut)
