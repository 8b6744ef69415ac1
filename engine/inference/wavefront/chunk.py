"""Execution of a schedule on one chunk of the text, with the hidden states that are live meanwhile.

Edges of the trie run singly, or several edges of one layer as a batch. A state is freed after its last use.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeAlias

from engine.inference.replay import Recording, record
from engine.inference.wavefront.budget import Counted
from engine.inference.wavefront.layers import Walk, Weights
from engine.inference.wavefront.readers import Reader
from engine.inference.wavefront.schedule import Advance
from engine.inference.wavefront.trie import ROOT, Trie
from engine.tensors.library import torch_library

if TYPE_CHECKING:
    import torch

Hidden: TypeAlias = tuple["torch.Tensor", ...]
"""State of a node: [B, T, D] for each batch of the chunk."""


class States:
    """States of one chunk by node."""

    def __init__(self, trie: Trie, embedded: Hidden) -> None:
        self._left = [trie.uses(node) for node in range(len(trie.steps))]
        self._alive: dict[int, Hidden] = {ROOT: embedded}
        self._bytes = 0
        self.most_bytes = 0
        """Peak size of the live states in bytes, without the root's."""

    def keep(self, node: int) -> None:
        """Add one use of the state of `node` to those in the trie."""
        self._left[node] += 1

    def use(self, node: int) -> Hidden:
        """Return the state of `node` and free it if this is its last use."""
        self._left[node] -= 1
        if self._left[node] or node == ROOT:
            return self._alive[node]
        state = self._alive.pop(node)
        self._bytes -= _bytes(state)
        return state

    def look(self, node: int) -> Hidden:
        """Return the state of `node` without counting a use."""
        return self._alive[node]

    def add(self, node: int, state: Hidden) -> None:
        self._alive[node] = state
        self._bytes += _bytes(state)
        self.most_bytes = max(self.most_bytes, self._bytes)


def _bytes(state: "Sequence[torch.Tensor]") -> int:
    return sum(tensor.nbytes for tensor in state)


@dataclass(frozen=True)
class RecordedRows:
    """A batch of the text with its recording."""

    number: int
    tokens: "torch.Tensor"
    recording: Recording
    _repeated: dict[int, Recording] = field(default_factory=dict)

    def logits(self, hidden: "torch.Tensor") -> "torch.Tensor":
        return self.recording.logits(hidden)

    def repeated(self, model: Any, times: int) -> Recording:
        """Return the recording for the batch repeated `times` times along its first dimension."""
        if times == 1:
            return self.recording
        if times not in self._repeated:
            self._repeated[times] = record(model, self.tokens.repeat(times, 1))
        return self._repeated[times]


class Chunk:
    """Execution state of one chunk of the text."""

    def __init__(self, trie: Trie, model: Any, rows: Sequence[RecordedRows], counted: Counted) -> None:
        self._trie = trie
        self._model = model
        self._rows = rows
        self._counted = counted
        self.states = States(trie, tuple(batch.recording.embedded for batch in rows))

    def advance(self, advance: Advance, walk: Walk, together: int) -> Iterator[int]:
        """Run the layer for every edge, at most `together` at a time; yield the number of edges after each run."""
        for step, nodes in groupby(advance.nodes, key=lambda node: self._trie.steps[node]):
            began = perf_counter()
            weights = walk.weights(step)
            self._counted.spent("weights", began)
            for group in _groups(list(nodes), together):
                began = perf_counter()
                self._run(advance.layer, group, weights)
                self._counted.spent("layers", began)
                self._counted.layer_forwards += len(group)
                yield len(group)

    def read(self, node: int, reader: Reader[Any, Any], *, keeps: bool) -> list[Any]:
        """Return the part of the plans that end at `node` for each batch; the base's node must be read first."""
        began = perf_counter()
        read = self._read_base if node == self._trie.base else self._read_plan
        parts = read(node, reader, keeps)
        self._counted.spent("heads", began)
        self._counted.heads += 1
        return parts

    def _read_base(self, node: int, reader: Reader[Any, Any], keeps: bool) -> list[Any]:
        if reader.compares and not keeps:
            self.states.keep(node)
        ended = zip(self._rows, self.states.use(node), strict=True)
        return [reader.read_base(rows, hidden, keep=keeps) for rows, hidden in ended]

    def _read_plan(self, node: int, reader: Reader[Any, Any], keeps: bool) -> list[Any]:
        is_needed = reader.compares and not keeps
        bases = self.states.look(self._trie.base) if is_needed else (None,) * len(self._rows)
        ended = zip(self._rows, self.states.use(node), bases, strict=True)
        return [reader.read(rows, hidden, base) for rows, hidden, base in ended]

    def _run(self, layer: int, nodes: Sequence[int], weights: Weights | None) -> None:
        if len(nodes) > 1:
            self._run_together(layer, nodes, weights)
            return
        (node,) = nodes
        entering = self.states.use(self._trie.parents[node])
        left = [rows.recording.layer(layer, each, weights) for rows, each in zip(self._rows, entering, strict=True)]
        del entering
        self.states.add(node, tuple(left))

    def _run_together(self, layer: int, nodes: Sequence[int], weights: Weights | None) -> None:
        """Run the edges as one batch. Outputs are copied, so that each state can be freed separately."""
        torch = torch_library()
        entering = [self.states.use(self._trie.parents[node]) for node in nodes]
        left: list[list[Any]] = [[] for _ in nodes]
        for number, rows in enumerate(self._rows):
            recording = rows.repeated(self._model, len(nodes))
            output = recording.layer(layer, torch.cat([state[number] for state in entering]), weights)
            for states, part in zip(left, torch.split(output, len(rows.tokens)), strict=True):
                states.append(part.clone())
        del entering
        for node, states in zip(nodes, left, strict=True):
            self.states.add(node, tuple(states))


def _groups(nodes: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    return (nodes[start : start + size] for start in range(0, len(nodes), size))
