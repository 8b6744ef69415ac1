"""Live hidden states during a run; each is freed after its last use."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

from engine.inference.wavefront.trie import ROOT, Trie

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
