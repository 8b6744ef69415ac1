"""The order in which a trie's edges are run and its plans read: depth first, or in passes over the layers. Pure.

Plans are compared with the base, so none is read before it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from typing import NamedTuple, TypeAlias

from engine.inference.wavefront.trie import ROOT, Trie


@dataclass(frozen=True, slots=True)
class Advance:
    """Run one layer for each of some edges."""

    layer: int
    nodes: tuple[int, ...]
    """To which the edges lead; their parents' states are there."""


@dataclass(frozen=True, slots=True)
class Read:
    """Read the plans that end at a node."""

    node: int


class Stop(NamedTuple):
    """A layer whose weights are needed for a while."""

    layer: int
    is_scaled: bool
    """Whether any of its visits is scaled."""


Order: TypeAlias = tuple[Advance | Read, ...]


def depth_first(trie: Trie) -> Order:
    """First the base, whose boundaries stay; then branch after branch, of each the largest part last.

    Of a chain of nodes one state is alive, and where branches part, one more for each time that the smaller ones
    double in size.
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
            here = stack.pop()
            order.append(_edge(trie, here))
            if here in trie.ending:
                order.append(Read(here))
            stack += _largest_first(trie.children[here], sizes)
    return tuple(order)


def in_passes(trie: Trie) -> Order:
    """Over the layers again and again, all edges that wait for a layer together."""
    return tuple(_with_readings(trie, chain.from_iterable(passes_of(trie))))


def passes_of(trie: Trie) -> list[list[Advance]]:
    """The edges pass by pass."""
    waiting: dict[int, list[int]] = defaultdict(list)
    _wait(waiting, trie, trie.children[ROOT])
    found = []
    while waiting:
        found.append(list(_one_pass(trie, waiting)))
    return found


def _one_pass(trie: Trie, waiting: dict[int, list[int]]) -> Iterator[Advance]:
    """From the lowest layer that is waited for upwards; what goes down again waits for the next pass."""
    layer = min(waiting)
    while layer in waiting:
        nodes = sorted(waiting.pop(layer), key=lambda node: (trie.steps[node].scale, node))
        yield Advance(layer, tuple(nodes))
        for node in nodes:
            _wait(waiting, trie, trie.children[node])
        layer = min((other for other in waiting if other >= layer), default=-1)


def _with_readings(trie: Trie, advances: Iterable[Advance]) -> Iterator[Advance | Read]:
    """Each plan is read when it has ended; one that has ended before the base, right after that."""
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
    """The layers in the order in which their weights are needed: one that is needed again at once stays."""
    advances = (step for step in order if isinstance(step, Advance))
    return [
        Stop(layer, any(trie.steps[node].scale != 1.0 for each in run for node in each.nodes))
        for layer, run in groupby(advances, key=lambda advance: advance.layer)
    ]


def most_alive(trie: Trie, order: Order) -> int:
    """Hidden states alive at once, at most, when `order` is run edge by edge; without the root's, which is always."""
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
    """Each node when its state comes into being (True) and whenever that is used (False)."""
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
    """Edges below and above each node."""
    sizes = [1] * len(trie.steps)
    for node in range(len(trie.steps) - 1, ROOT, -1):
        sizes[trie.parents[node]] += sizes[node]
    return sizes


def _largest_first(nodes: Iterable[int], sizes: Sequence[int]) -> list[int]:
    """As a stack: the smallest is taken first."""
    return sorted(nodes, key=lambda node: -sizes[node])


def _wait(waiting: dict[int, list[int]], trie: Trie, nodes: Iterable[int]) -> None:
    for node in nodes:
        waiting[trie.steps[node].layer].append(node)
