"""Distribution of a sweep over devices: branches of the trie are distributed, and every device runs the base."""

from collections import defaultdict
from collections.abc import Sequence
from typing import TypeVar

from engine.inference.wavefront.trie import ROOT, Trie, trie_of
from engine.inference.wavefront.visits import BASE, Visits

Value = TypeVar("Value")

HEAD_IN_LAYERS = 4.0
"""Default cost of reading a plan, in layer runs."""


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
