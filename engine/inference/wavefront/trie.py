"""Plans as paths in a trie of visits, so that shared prefixes are computed once; its division into shares."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from engine.inference.wavefront.visits import BASE, Step, Visits, base_visits, require_visits

ROOT = 0
"""The node before any layer: the embeddings."""


@dataclass(frozen=True)
class Trie:
    """Nodes numbered from 0, the root, each after its parent. An edge is one layer run once, named by the node it
    leads to."""

    steps: tuple[Step, ...]
    """The visit that leads to each node; what stands for the root means nothing."""
    parents: tuple[int, ...]
    """The root is its own."""
    children: tuple[tuple[int, ...], ...]
    ending: Mapping[int, tuple[int, ...]]
    """Node to the numbers of the plans that end there; BASE among them for the base."""
    base_path: tuple[int, ...]
    """The base's nodes above the root, from bottom to top."""

    @property
    def edges(self) -> int:
        """Layers run, for all plans together."""
        return len(self.steps) - 1

    @property
    def base(self) -> int:
        """The node at which the base ends."""
        return self.base_path[-1]

    def uses(self, node: int) -> int:
        """How often the hidden state of `node` is needed: once for each child, once for reading what ends there."""
        return len(self.children[node]) + (node in self.ending)


def trie_of(plans: Sequence[Visits], layer_count: int) -> Trie:
    """The trie of `plans`, numbered as they stand there, and of the base. Raises PlanError as `require_visits` does."""
    steps, parents = [Step(-1)], [ROOT]
    children: list[dict[Step, int]] = [{}]
    ending: dict[int, list[int]] = defaultdict(list)

    def path(plan: Visits) -> list[int]:
        nodes, node = [], ROOT
        for step in plan:
            if step not in children[node]:
                children[node][step] = len(steps)
                steps.append(step)
                parents.append(node)
                children.append({})
            node = children[node][step]
            nodes.append(node)
        return nodes

    base_path = path(base_visits(layer_count))
    ending[base_path[-1]].append(BASE)
    for number, plan in enumerate(plans):
        require_visits(plan, layer_count)
        ending[path(plan)[-1]].append(number)
    return Trie(
        steps=tuple(steps),
        parents=tuple(parents),
        children=tuple(tuple(each.values()) for each in children),
        ending={node: tuple(numbers) for node, numbers in ending.items()},
        base_path=tuple(base_path),
    )


def passes(plan: Visits) -> int:
    """Walks over the layers that the plan needs: 1 and 1 more for each jump backwards; a repeat at once is free."""
    return 1 + sum(after.layer < before.layer for before, after in pairwise(plan))


HEAD_IN_LAYERS = 4.0
"""What reading a plan costs, in layer-forwards, where nothing better is known."""


def divided(
    plans: Sequence[Visits], layer_count: int, parts: int, head_in_layers: float = HEAD_IN_LAYERS
) -> list[list[int]]:
    """The numbers of the plans for each of `parts` devices, about as much work for each; a part may be empty.

    Plans that leave the base at the same edge stay together, so no layer is run twice but the base's. The largest of
    such branches goes first, each to whoever has least to do.
    """
    trie = trie_of(plans, layer_count)
    shares: list[list[int]] = [[] for _ in range(parts)]
    loads = [0.0] * parts
    branches = _branches(trie, head_in_layers)
    for branch in sorted(branches, key=lambda branch: -branches[branch][0]):
        weight, numbers = branches[branch]
        lightest = min(range(parts), key=lambda part: loads[part])
        loads[lightest] += weight
        shares[lightest] += numbers
    return [sorted(share) for share in shares]


def _branches(trie: Trie, head_in_layers: float) -> dict[int, tuple[float, list[int]]]:
    """By the first node off the base: the branch's work in layer-forwards, and the plans that end in it.

    A plan that is a part of the base is a branch of itself.
    """
    on_base = {ROOT, *trie.base_path}
    branch_of = [ROOT] * len(trie.steps)
    works: dict[int, float] = defaultdict(float)
    plans: dict[int, list[int]] = defaultdict(list)
    for node in range(1, len(trie.steps)):
        parent = trie.parents[node]
        branch = branch_of[node] = node if node in on_base or parent in on_base else branch_of[parent]
        works[branch] += node not in on_base
        if node in trie.ending:
            works[branch] += head_in_layers
            plans[branch] += [number for number in trie.ending[node] if number != BASE]
    return {branch: (works[branch], numbers) for branch, numbers in plans.items() if numbers}
