"""What jobs have proposed: sentences and tables, a verdict in the list, and the plan with one key."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from dlec_tui.app import Workbench
from dlec_tui.jobs.job_view import plan_text_of_job
from dlec_tui.jobs.task_views import headline, result_lines
from dlec_tui.panes.plan import PlanPane
from engine.store.job_states import Done, Waiting
from tests.jobs.states import put, spec
from tests.jobs.workplace import Workplace
from tests.tui.conftest import eventually, settled, text_of
from tests.tui.seen_jobs import PREVIEWED, ago, stored

BLOCK = {"start": 15, "end": 17, "residual": 0.4446034904794942, "delta_nll": 0.2871, "se": 0.0123}
PROPOSED = {
    "plan": "# proposed\nmerge_method: passthrough\n",
    "block": [15, 17],
    "reason": ["Of the 2 blocks of 2 layers this one harms least."],
    "shortlist": [BLOCK, {**BLOCK, "start": 3, "end": 5}],
    "heldout": PREVIEWED,
    "naive": {"plan": "# naive\n", "layers": [2, 5], "heldout": PREVIEWED},
}
SEARCHED = {
    "plan": "# searched\nmerge_method: passthrough\n",
    "repeats": [[3, 5, 1.0]],
    "reason": ["Searched step by step."],
    "tried": {"1": 12, "2": 9},
    "sweep": 4,
    "heldout": {name: PREVIEWED[name] for name in ("delta_nll", "interval95", "split", "base_check")},
    "verdict": "worse",
    "shortlist": [{"name": "3-5", "delta_nll": 0.1, "se": 0.01, "interval95": [0.08, 0.12], "holm_p": 0.01}],
    **{name: PREVIEWED[name] for name in ("base_check", "corpus", "key", "stored", "tokens", "sequences")},
}
CLASSIC = {"plan": "# classic\nmerge_method: passthrough\n", "shares": [0.2, 0.01, 0.4]}
ANSWERS: dict[str, dict[str, Any]] = {"propose": PROPOSED, "search": SEARCHED, "classic": CLASSIC}


@pytest.mark.parametrize("task", ANSWERS)
def test_nothing_of_a_program_is_shown(task: str) -> None:
    """Neither lists in brackets nor names with underscores nor sixteen digits."""
    text = "\n".join(result_lines(task, ANSWERS[task]))
    assert not set('[]{}"_') & set(text)
    assert "0.4446034904794942" not in text


def test_an_answer_of_a_kind_that_nobody_knows_is_no_dump() -> None:
    lines = list(result_lines("of-tomorrow", {"some_list": [{"a": 1}] * 3, "is_ok": True, "number": 1, "none": None}))
    assert lines[0].split() == ["some", "list", "3", "entries;", "dlec", "jobs", "show", "--json", "for", "details"]
    assert [line.split()[-1] for line in lines[1:]] == ["yes", "1", "none"]


def test_the_verdict_is_the_headline() -> None:
    assert (
        headline("propose", PROPOSED)
        == "perplexity +9.6 % (95 % interval +8.9 to +10.3), on text not used to choose it"
    )
    assert headline("search", SEARCHED).startswith("perplexity +9.6 %")
    assert headline("classic", CLASSIC) == "keeps 2 of 3 layers"


def test_o_opens_the_plan_that_was_proposed(tmp_path: Path) -> None:
    place = Workplace(tmp_path / "home")
    waiting, proposed = place.submit(spec("wait", task="propose"), spec("dlec on m", task="propose"))
    put(place, proposed, Done(ago(hours=2), ago(hours=1), PROPOSED))

    async def run() -> None:
        app = Workbench(place.store)
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await shown(pilot)
            assert "perplexity +9.6 %" in text_of(app)
            await pilot.press("g", "o")
            await settled(pilot)
            assert "this job has no plan" in text_of(app)
            app.front.view.table.point_to(proposed)  # type: ignore[attr-defined]
            await pilot.press("o")
            await settled(pilot)
            assert isinstance(app.front, PlanPane)
            assert app.front.document.text == PROPOSED["plan"]

    async def shown(pilot: Pilot[None]) -> None:
        await pilot.press("4")
        await eventually(pilot, lambda: pilot.app.front.view.table.items)  # type: ignore[attr-defined]
        await settled(pilot)

    asyncio.run(run())
    assert place.job(waiting).state == Waiting()


def test_the_plan_of_a_sweep_is_its_best_and_of_a_preview_what_was_asked_for() -> None:
    plans = [{"name": "a", "text": "A"}, {"name": "b", "text": "B"}]
    swept = Done(ago(hours=2), ago(hours=1), {"winner": {"name": "b"}})
    assert plan_text_of_job(stored(1, swept, "s", task="sweep", request={"plans": plans}).job) == "B"
    spoken = Done(ago(hours=2), ago(hours=1), {"base": "once", "plan": "upon"})
    assert plan_text_of_job(stored(1, spoken, "g", task="generate", request={"plan": "P"}).job) == "P"
    assert plan_text_of_job(stored(1, spoken, "p", task="profile").job) == ""
