"""Order of running a trie's edges and reading its plans: depth first, or in passes over the layers. Pure.

Plans are compared with the base, so the base is read first.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from typing import NamedTuple, TypeAlias

from engine.inference.wavefront.trie import ROOT, Trie


@dataclass(frozen=True, slots=True)
class Advance:
    """Step: run one layer for several edges."""

    layer: int
    nodes: tuple[int, ...]
    """Target nodes of the edges; the states of their parents are live."""


@dataclass(frozen=True, slots=True)
class Read:
    """Step: read the plans that end at a node."""

    node: int


class Stop(NamedTuple):
    """A layer whose weights are needed for consecutive steps."""

    layer: int
    is_scaled: bool
    """True if any of these visits is scaled."""


Order: TypeAlias = tuple[Advance | Read, ...]


def depth_first(trie: Trie) -> Order:
    """Return the base first, whose boundaries stay live, then branch after branch, the largest sub-branch last.

    One state of a chain of nodes is live; the number of live states at forks is logarithmic in the branch size.
    """
    sizes = _sizes(trie)
    order: list[Advance | Read] = [_edge(trie, node) for node in trie.base_path]
    order.append(Read(trie.base))
    on_base = {ROOT, *trie.base_path}
    for node in (ROOT, *trie.base_path):
        if node in trie.ending and node != trie.base:
            order.append(Read(node))
        stack = _largest_first((child for child in trie.children[node] if child not in on_base), sizes)
        while stack:
            current = stack.pop()
            order.append(_edge(trie, current))
            if current in trie.ending:
                order.append(Read(current))
            stack += _largest_first(trie.children[current], sizes)
    return tuple(order)


def in_passes(trie: Trie) -> Order:
    """Return repeated passes over the layers, each running all edges that are ready at a layer together."""
    return tuple(_with_readings(trie, chain.from_iterable(passes_of(trie))))


def passes_of(trie: Trie) -> list[list[Advance]]:
    """Return the edges of each pass."""
    waiting: dict[int, list[int]] = defaultdict(list)
    _wait(waiting, trie, trie.children[ROOT])
    all_passes = []
    while waiting:
        all_passes.append(list(_one_pass(trie, waiting)))
    return all_passes


def _one_pass(trie: Trie, waiting: dict[int, list[int]]) -> Iterator[Advance]:
    """Yield the advances from the lowest waiting layer upwards; edges to lower layers wait for the next pass."""
    layer = min(waiting)
    while layer in waiting:
        nodes = sorted(waiting.pop(layer), key=lambda node: (trie.steps[node].scale, node))
        yield Advance(layer, tuple(nodes))
        for node in nodes:
            _wait(waiting, trie, trie.children[node])
        layer = min((other for other in waiting if other >= layer), default=-1)


def _with_readings(trie: Trie, advances: Iterable[Advance]) -> Iterator[Advance | Read]:
    """Insert a read after the last edge of each plan, or after the base's if that is later."""
    unread: list[int] = []
    is_base_read = False
    for advance in advances:
        yield advance
        unread += [node for node in advance.nodes if node in trie.ending]
        is_base_read = is_base_read or trie.base in unread
        if is_base_read:
            yield from map(Read, sorted(unread, key=lambda node: node != trie.base))
            unread = []


def stops(trie: Trie, order: Order) -> list[Stop]:
    """Return the layers in the order in which their weights are needed; consecutive uses count once."""
    advances = (step for step in order if isinstance(step, Advance))
    return [
        Stop(layer, any(trie.steps[node].scale != 1.0 for advance in run for node in advance.nodes))
        for layer, run in groupby(advances, key=lambda advance: advance.layer)
    ]


def most_alive(trie: Trie, order: Order) -> int:
    """Return the peak number of live hidden states when edges run one at a time, without the root's."""
    left = [trie.uses(node) for node in range(len(trie.steps))]
    alive = most = 0
    for node, is_new in _touched(trie, order):
        if is_new:
            alive += 1
            most = max(most, alive)
            continue
        left[node] -= 1
        alive -= node != ROOT and left[node] == 0
    return most


def _touched(trie: Trie, order: Order) -> Iterator[tuple[int, bool]]:
    """Yield each node when its state is created (True) and whenever it is used (False)."""
    for step in order:
        if isinstance(step, Read):
            yield step.node, False
            continue
        for node in step.nodes:
            yield node, True
            yield trie.parents[node], False


def _edge(trie: Trie, node: int) -> Advance:
    return Advance(trie.steps[node].layer, (node,))


def _sizes(trie: Trie) -> list[int]:
    """Return the number of nodes in the subtree of each node."""
    sizes = [1] * len(trie.steps)
    for node in range(len(trie.steps) - 1, ROOT, -1):
        sizes[trie.parents[node]] += sizes[node]
    return sizes


def _largest_first(nodes: Iterable[int], sizes: Sequence[int]) -> list[int]:
    """Return the nodes as a stack whose top is the smallest."""
    return sorted(nodes, key=lambda node: -sizes[node])


def _wait(waiting: dict[int, list[int]], trie: Trie, nodes: Iterable[int]) -> None:
    for node in nodes:
        waiting[trie.steps[node].layer].append(node)
