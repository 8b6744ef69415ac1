"""`dlec eval`: without the extra it says how to get it, and what it found in words."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from dlec_tui.jobs.reports import eval_headline, eval_lines
from dlec_tui.jobs.task_views import headline


@pytest.mark.slow
@pytest.mark.skipif(find_spec("lm_eval") is not None, reason="the extra is installed")
def test_without_the_extra_it_says_how_to_get_it(dlec, plan: Path) -> None:
    result = dlec("eval", plan, "--tasks", "arc_easy", "--device", "cpu")
    assert result.exit_code == 3
    assert "pip install 'dlec[eval]'" in result.stderr


def test_it_can_be_queued(dlec, plan: Path) -> None:
    Path("own.yaml").write_text("task: own\n")
    result = dlec("eval", plan, "--tasks", "arc_easy,own.yaml", "--limit", 9, "--queue")
    assert result.exit_code == 0, result.stderr
    assert "Queued job 1: eval plan.yaml by arc_easy, own.yaml" in result.stdout


def figure(p: float | None, **others: object) -> dict:
    told = {"task": "arc_easy", "metric": "acc,none", "base": 0.5, "base_se": 0.01, "plan": 0.6, "plan_se": None}
    paired = {"items": 200, "delta": 0.1, "test": "mcnemar", "p": p, "only_base": 3, "only_plan": 23}
    return {**told, **paired, **others}


def test_changes_are_adjusted_for_the_number_of_figures() -> None:
    clear = {"reference": "tiny", "dtype": "float32", "limit": 9, "figures": [figure(1e-4), figure(0.9)]}
    assert eval_headline(clear) == "1 of 2 figures differ: arc_easy 0.500 to 0.600"
    assert headline("eval", clear) == eval_headline(clear)
    unclear = {**clear, "figures": [figure(0.03), figure(0.9)]}
    assert eval_headline(unclear) == "no significant difference in 2 figures"


def test_a_line_for_each_figure_says_how_it_was_compared() -> None:
    figures = [
        figure(1e-4),
        figure(0.2, test="t", metric="score,none"),
        figure(None, metric="f1,none"),
        figure(None, items=0),
    ]
    lines = list(eval_lines({"reference": "tiny", "dtype": "float32", "limit": None, "figures": figures}))
    assert "0.5000 ± 0.0100" in lines[1]
    assert lines[1].endswith("200: 23 gained, 3 lost, p = 0.0001 (exact McNemar)")
    assert lines[2].endswith("+0.1000, p = 0.2 (paired t)")
    assert lines[3].endswith("200, too few for a test")
    assert lines[4].endswith("not item by item")
    assert lines[-1] == "tiny, float32"
