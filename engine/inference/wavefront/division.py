"""Division of a sweep: the trie is cut where it branches off the base, which every share runs."""

from collections import defaultdict
from collections.abc import Sequence

from engine.inference.wavefront.trie import ROOT, Trie, trie_of
from engine.inference.wavefront.visits import BASE, Visits

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
