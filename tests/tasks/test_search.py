"""What a search promises, on a tiny model: nothing but judged figures, and as good a plan as looking everywhere."""

from pathlib import Path

import pytest

from engine.checkpoint.checkpoint import open_checkpoint
from engine.checkpoint.find import opener
from engine.errors import UsageError
from engine.plan.check import check_plan
from engine.plan.recipes import dlec_search
from engine.plan.recipes.dlec_search import Repeat
from engine.protocol import no_report
from engine.tasks import preview, search, sweep


@pytest.fixture
def asked(request_of, tiny_llama: Path):
    return {**request_of, "reference": str(tiny_llama), "layers": 2, "protect_first": 0, "protect_last": 0}


@pytest.fixture
def found(asked):
    return search.run(asked, no_report)


def test_the_plan_adds_the_budget_and_says_what_it_was_judged_at(asked, found):
    stack = check_plan(found["plan"], opener()).stack
    assert len(stack.visits) == 8
    assert f"{found['heldout']['delta_nll']:+.4f} nats a token" in found["plan"]
    judged = preview.run({**asked, "plan": found["plan"], "split": "heldout"}, no_report)
    assert found["heldout"]["delta_nll"] == pytest.approx(judged["delta_nll"], abs=1e-6)
    assert found["heldout"]["split"] == "heldout"


def test_a_wide_beam_finds_what_measuring_everything_finds(asked, tiny_llama: Path):
    checkpoint, options = open_checkpoint(tiny_llama), dlec_search.Options(2, protect_first=0, protect_last=0)
    singles = [(Repeat(layer, layer + 1, 1.0),) for layer in range(6)]
    everything = dlec_search.candidates(6, options, {0: [()], 1: singles}, 2)
    plans = [{"name": dlec_search.name_of(s), "text": dlec_search.write(checkpoint, s)} for s in everything]
    swept = sweep.run({**asked, "space": "all", "plans": plans, "metrics": False}, no_report)
    wide = search.run({**asked, "beam": 6}, no_report)
    assert wide["tried"] == {1: 6, 2: len(everything)}
    assert " ".join(f"{start}:{end}" for start, end, _ in wide["repeats"]) == swept["winner"]["name"]


def test_a_greedy_search_tries_less(found):
    assert found["tried"] == {1: 6, 2: 5 + 5}


def test_a_second_search_measures_nothing(asked, found):
    heard = []
    again = search.run(asked, lambda *told: heard.append(told))
    assert heard == []
    assert again == found | {"stored": True}


def test_scales_are_searched_too(asked):
    found = search.run({**asked, "layers": 1, "scales": [1.0, 0.1]}, no_report)
    assert found["tried"] == {1: 12}
    assert len(found["shortlist"]) == 3
    assert found["repeats"][0][2] in (1.0, 0.1)


@pytest.mark.parametrize("budget", [{}, {"layers": 2, "growth": 0.3}, {"layers": 9}])
def test_an_unclear_or_impossible_budget_is_refused(request_of, budget):
    with pytest.raises(UsageError, match=r"budget|cannot be added"):
        search.run({**request_of, **budget}, no_report)
