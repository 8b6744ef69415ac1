from hypothesis import given
from hypothesis import strategies as st

from engine.inference.wavefront.division import divided
from engine.inference.wavefront.trie import trie_of
from engine.inference.wavefront.visits import Visits, visits
from tests.inference.wavefront.random_plans import LAYERS, plan_sets

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
