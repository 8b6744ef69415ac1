"""What a proposal promises, on a tiny model: it is the least harmful of what was measured, and judged elsewhere."""

import pytest

from engine.checkpoint.find import opener
from engine.errors import UsageError
from engine.plan.check import check_plan
from engine.protocol import no_report
from engine.tasks import classic, propose


@pytest.fixture(scope="module")
def request_(tiny_llama, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    small = {"tokens": 16 * 16, "seq_len": 16, "dtype": "float32", "device": "cpu", "home": str(home)}
    return {"model": str(tiny_llama), "reference": str(tiny_llama), **small}


@pytest.fixture(scope="module")
def proposal(request_):
    return propose.run({**request_, "layers": 2}, no_report)


def test_the_least_harmful_of_the_shortlist_is_proposed(proposal):
    harms = [each["delta_nll"] for each in proposal["shortlist"]]
    assert harms == sorted(harms)
    assert proposal["block"] == [proposal["shortlist"][0]["start"], proposal["shortlist"][0]["end"]]


def test_the_plan_repeats_the_block_and_says_why(proposal):
    start, end = proposal["block"]
    checked = check_plan(proposal["plan"], opener())
    assert [visit.layer for visit in checked.stack.visits] == [*range(end), *range(start, 6)]
    assert all(f"# {line}" in proposal["plan"] for line in proposal["reason"])


def test_both_plans_are_judged_on_the_half_that_chose_nothing(proposal):
    assert proposal["heldout"]["split"] == proposal["naive"]["heldout"]["split"] == "heldout"
    assert len(proposal["naive"]["layers"]) == 2


def test_what_was_measured_is_found_again(request_, proposal):
    again = propose.run({**request_, "layers": 2}, no_report)
    assert again["heldout"]["stored"]
    assert again["shortlist"] == proposal["shortlist"]


@pytest.mark.parametrize("budget", [{}, {"layers": 2, "growth": 0.3}])
def test_an_unclear_budget_is_refused(request_, budget):
    with pytest.raises(UsageError, match="budget"):
        propose.run({**request_, **budget}, no_report)


def test_growth_is_a_budget_too(request_):
    assert len(propose.run({**request_, "growth": 0.2}, no_report)["naive"]["layers"]) == 1


def test_the_original_rule_repeats_nothing(request_):
    found = classic.run(request_, no_report)
    stack = check_plan(found["plan"], opener()).stack
    assert len(found["shares"]) == 6
    assert all(visit.repeat == 0 for visit in stack.visits)
