"""Plans as paths in a trie of visits, which stores common prefixes once, and its division among devices. Pure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from engine.inference.wavefront.visits import BASE, Step, Visits, base_visits, require_visits

ROOT = 0
"""The node before any layer: the embeddings."""

HEAD_IN_LAYERS = 4.0
"""Default cost of reading a plan, in layer runs."""


@dataclass(frozen=True)
class Trie:
    """Nodes numbered from 0, the root, each after its parent. An edge is one layer run, named by its target node."""

    steps: tuple[Step, ...]
    """Visit that leads to each node; meaningless for the root."""
    parents: tuple[int, ...]
    """Parent of each node; the root is its own parent."""
    children: tuple[tuple[int, ...], ...]
    ending: Mapping[int, tuple[int, ...]]
    """Numbers of the plans that end at each node; BASE for the base."""
    base_path: tuple[int, ...]
    """Nodes of the base after the root, from bottom to top."""

    @property
    def edges(self) -> int:
        """Number of layer runs for all plans."""
        return len(self.steps) - 1

    @property
    def base(self) -> int:
        """Node at which the base ends."""
        return self.base_path[-1]

    def uses(self, node: int) -> int:
        """Return the number of uses of the state of `node`: one per child, and one if plans end there."""
        return len(self.children[node]) + (node in self.ending)


def trie_of(plans: Sequence[Visits], layer_count: int) -> Trie:
    """Return the trie of `plans`, numbered by position, and the base. Raises PlanError as `require_visits` does."""
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
        children=tuple(tuple(targets.values()) for targets in children),
        ending={node: tuple(numbers) for node, numbers in ending.items()},
        base_path=tuple(base_path),
    )


def passes(plan: Visits) -> int:
    """Return the passes over the layers that the plan needs: 1 plus 1 per backward jump; immediate repeats are free."""
    return 1 + sum(after.layer < before.layer for before, after in pairwise(plan))


def divided(
    plans: Sequence[Visits], layer_count: int, parts: int, head_in_layers: float = HEAD_IN_LAYERS
) -> list[list[int]]:
    """Return the plan numbers for each of `parts` devices, balanced by work; a part may be empty.

    Plans that leave the base at the same edge stay together, so only the base's layers are run more than once. Branches
    are assigned by decreasing size, each to the device with the least work.
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
    """Return work in layer runs and plans of each branch, by the first node off the base.

    A plan that is a prefix of the base is a branch by itself.
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
