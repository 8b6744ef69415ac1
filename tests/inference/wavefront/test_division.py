from collections import defaultdict
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.inference.wavefront.division import divided, run_divided
from engine.inference.wavefront.likelihood import Figures
from engine.inference.wavefront.trie import trie_of
from engine.inference.wavefront.visits import BASE, Visits, visits
from engine.inference.wavefront.work import Work
from engine.protocol import no_report
from tests.architectures import CheckpointOf
from tests.inference.wavefront.random_plans import LAYERS, plan_sets
from tests.inference.wavefront.sweeping import PLANS, figures, joined, planned, resident

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


def test_divided_runs_give_what_one_run_gives(checkpoint_of: CheckpointOf) -> None:
    source = checkpoint_of("llama")
    wanted = figures(resident(source), PLANS)
    shares = divided(PLANS, LAYERS, 2)
    works = [planned(resident(source), [PLANS[number] for number in share]) for share in shares]
    found = {}
    run_divided(works, shares, no_report, found.__setitem__)
    assert found.keys() == wanted.keys() == {BASE, *range(len(PLANS))}
    assert all(torch.equal(found[number].nll, wanted[number].nll) for number in wanted)


def in_two_chunks(source: Path, plans: list[Visits]) -> Work[Figures]:
    """A sweep with too little memory for the whole text."""
    work = planned(resident(source), plans)
    while len(work.chunks) == 1:
        work = planned(work.layers, plans, memory=work.announced.held_bytes - 1)
    return work


def test_divided_runs_that_cut_the_text_give_its_pieces_in_order_and_count_plans_once(
    checkpoint_of: CheckpointOf,
) -> None:
    source = checkpoint_of("llama")
    shares = divided(PLANS, LAYERS, 2)
    works = [in_two_chunks(source, [PLANS[number] for number in share]) for share in shares]
    pieces, told = defaultdict(list), []
    run_divided(works, shares, lambda *said: told.append(said), lambda plan, read: pieces[plan].append(read))
    wanted = figures(resident(source), PLANS)
    assert all(torch.equal(joined(pieces[plan]).nll, wanted[plan].nll) for plan in wanted)
    done = [int(what.split("; ")[1].split()[0]) for _, _, what in told]
    assert (done, max(done)) == (sorted(done), len(PLANS))


def test_what_fails_on_one_device_ends_the_others(checkpoint_of: CheckpointOf) -> None:
    source = checkpoint_of("llama")
    shares = divided(PLANS, LAYERS, 2)
    works = [planned(resident(source), [PLANS[number] for number in share]) for share in shares]

    def full(_plan: int, _figures: object) -> None:
        raise OSError("the store is full")

    with pytest.raises(OSError, match="store is full"):
        run_divided(works, shares, no_report, full)
