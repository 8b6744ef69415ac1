"""The hidden states that are alive while an order is run: each goes when it has been used as often as it is needed."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

from engine.inference.wavefront.trie import ROOT, Trie

if TYPE_CHECKING:
    import torch

Hidden: TypeAlias = tuple["torch.Tensor", ...]
"""A node's state: [B, T, D] for each batch of the chunk."""


class States:
    """States by node of one chunk."""

    def __init__(self, trie: Trie, embedded: Hidden) -> None:
        self._left = [trie.uses(node) for node in range(len(trie.steps))]
        self._alive: dict[int, Hidden] = {ROOT: embedded}
        self._bytes = 0
        self.most_bytes = 0
        """Of all that were alive at once, without the root's."""

    def keep(self, node: int) -> None:
        """It is needed once more than the trie says."""
        self._left[node] += 1

    def use(self, node: int) -> Hidden:
        """Its state, which is let go of here when this was its last use."""
        self._left[node] -= 1
        if self._left[node] or node == ROOT:
            return self._alive[node]
        state = self._alive.pop(node)
        self._bytes -= _bytes(state)
        return state

    def look(self, node: int) -> Hidden:
        """Its state, without using it."""
        return self._alive[node]

    def add(self, node: int, state: Hidden) -> None:
        self._alive[node] = state
        self._bytes += _bytes(state)
        self.most_bytes = max(self.most_bytes, self._bytes)


def _bytes(state: "Sequence[torch.Tensor]") -> int:
    return sum(each.nbytes for each in state)
