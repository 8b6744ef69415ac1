import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import PlanError
from engine.inference.wavefront.trie import ROOT, Trie, divided, passes, trie_of
from engine.inference.wavefront.visits import BASE, Step, Visits, base_visits, visits
from tests.inference.wavefront.random_plans import LAYERS, plan_sets


def prefixes(plans: list[Visits]) -> set[Visits]:
    return {plan[:end] for plan in plans for end in range(1, len(plan) + 1)}


def path_to(trie: Trie, node: int) -> Visits:
    steps: list[Step] = []
    while node != ROOT:
        steps.append(trie.steps[node])
        node = trie.parents[node]
    return tuple(reversed(steps))


@given(plan_sets())
def test_edges_are_the_distinct_prefixes_of_the_plans_and_the_base(plans: list[Visits]) -> None:
    assert trie_of(plans, LAYERS).edges == len(prefixes([*plans, base_visits(LAYERS)]))


@given(plan_sets())
def test_every_plan_ends_where_its_path_leads(plans: list[Visits]) -> None:
    trie = trie_of(plans, LAYERS)
    result = {number: path_to(trie, node) for node, numbers in trie.ending.items() for number in numbers}
    assert result == {BASE: base_visits(LAYERS), **dict(enumerate(plans))}
    assert all(parent < node for node, parent in enumerate(trie.parents[1:], start=1))


def test_all_blocks_of_smollm2_up_to_width_8_share_half_of_their_layers() -> None:
    plans = [visits([*range(j), *range(i, 30)]) for i in range(30) for j in range(i + 1, min(i + 8, 30) + 1)]
    trie = trie_of(plans, 30)
    assert len(plans) == 212
    assert (30 + sum(map(len, plans))) / trie.edges >= 1.95


@pytest.mark.parametrize(
    ("layers", "expected"),
    [((0, 1, 2), 1), ((0, 1, 1, 1, 2), 1), ((0, 1, 0, 1, 2), 2), ((2, 1, 0), 3), ((0, 2, 1, 1, 0, 2), 3)],
)
def test_passes_are_one_more_than_the_strict_jumps_backwards(layers: tuple[int, ...], expected: int) -> None:
    assert passes(visits(layers)) == expected


@pytest.mark.parametrize(
    ("plan", "reason"),
    [
        ((), "visits no layer"),
        (visits((0, 6)), "visit 1 is of layer 6, which does not exist: the checkpoint has layers 0 to 5"),
        (visits((-1,)), "layer -1"),
        ((Step(0, float("nan")),), "scale nan"),
    ],
)
def test_invalid_paths_are_refused(plan: Visits, reason: str) -> None:
    with pytest.raises(PlanError, match=reason):
        trie_of([plan], 6)


BLOCKS = [visits([*range(j), *range(i, 30)]) for i in range(30) for j in range(i + 1, min(i + 8, 30) + 1)]


@given(plan_sets(), st.integers(1, 4))
def test_every_plan_goes_to_one_device_and_no_layer_but_the_bases_is_run_twice(plans: list[Visits], parts: int) -> None:
    shares = divided(plans, LAYERS, parts)
    assert sorted(number for share in shares for number in share) == list(range(len(plans)))
    edges = [trie_of([plans[number] for number in share], LAYERS).edges - LAYERS for share in shares]
    assert sum(edges) == trie_of(plans, LAYERS).edges - LAYERS


def test_four_devices_get_about_as_much_of_a_block_sweep() -> None:
    edges = [trie_of([BLOCKS[number] for number in share], 30).edges for share in divided(BLOCKS, 30, 4)]
    assert max(edges) <= 1.05 * min(edges)
