"""What a sweep found, in words: better only where it is, and chance told beside it."""

import click
import pytest

from dlec_tui.cli.charts import heat_lines
from dlec_tui.jobs.sweep_report import advice, harm_map, sweep_headline, sweep_lines
from dlec_tui.jobs.task_views import headline
from dlec_tui.measurements.plots import BlockMap


def figures(delta: float, p: float = 0.5, half_width: float = 0.001):
    interval = [delta - half_width, delta + half_width]
    known = {"nll": 3.0, "se": 0.0005, "kl": 0.01, "top1_agreement": 0.9}
    return {"delta_nll": delta, "interval95": interval, "p": p, "holm_p": min(1, 2 * p), **known}


def plan(name: str, delta: float | None, block=None, scale: float = 1.0, stopped=None):
    empty = dict.fromkeys(figures(0.0))
    told = {"name": name, "block": block, "scale": scale, "visits": name, "stopped_after": stopped}
    return {**told, **(empty if delta is None else figures(delta))}


def answer(verdict: str, judged: float, p: float, half_width: float = 0.001):
    shortlist = [{"name": "2:4", "selection_delta_nll": -0.01, **figures(judged, p, half_width), "verdict": verdict}]
    return {
        "space": "blocks", "reference": "tiny", "corpus": "a text", "layers": 6, "early_stop": False,
        "key": {"tokens": 64, "seq_len": 8, "split": "selection", "text_sha256": "7e47" * 16, "dtype": "float32"},
        "plans": [
            plan("2:4", -0.01, [2, 4]), plan("1:2", 0.5, [1, 2]), plan("bad", None), plan("slow", None, stopped=16)
        ],
        "by_chance": {"delta": -0.02, "t": -1.5, "p": 0.43, "draws": 1000, "plans": 2},
        "winner": {
            "name": "2:4", "plan": "", "selection": figures(-0.01), "heldout": figures(judged, p, half_width),
            "shrinkage": {"lost": 0.005, "kept": 0.5}, "verdict": verdict,
        },
        "shortlist": shortlist, "probe": None, "rankings": [], "cost": {}, "unranked": None, "stored": False,
        "base_check": {"ok": True, "findings": []},
    }  # fmt: skip


def test_no_difference_is_a_result() -> None:
    found = answer("no difference", 0.0001, 0.8)
    assert "no significant difference" in sweep_headline(found)
    assert "better" not in advice(found)


def test_an_interval_below_0_is_not_called_better_if_the_adjusted_p_is_not_small() -> None:
    said = sweep_headline(answer("no difference", -0.002, 0.04))
    assert "consistent with chance among 1 evaluated plan (p = 0.08)" in said


def test_better_and_worse_come_with_the_p_adjusted_for_all_evaluated_plans() -> None:
    assert "perplexity -0.5 %" in sweep_headline(answer("better", -0.005, 1e-6))
    assert "(p < 0.0001, adjusted for 1 evaluated plan)" in sweep_headline(answer("better", -0.005, 1e-6))
    worse = answer("worse", 0.05, 1e-4)
    assert "perplexity +5.1 %" in sweep_headline(worse)
    assert "No plan of this space was significantly better" in advice(worse)


@pytest.mark.parametrize("check", [{"ok": False, "findings": ["the base needs 9 nats a token"]}, None])
def test_nothing_is_called_better_than_a_base_that_predicts_worse_than_expected(check: dict | None) -> None:
    """Nor beside one that an earlier version has not checked."""
    found = answer("inconclusive", -0.005, 1e-6) | {"base_check": check}
    said = "\n".join(sweep_lines(found))
    assert "perplexity -0.5 %" in said
    assert "inconclusive: the base predicts worse than expected" in said
    assert "caution: the base" in said
    assert "better" not in said


def test_a_judged_plan_that_is_better_is_named_though_another_was_chosen_before_it() -> None:
    found = answer("worse", 0.05, 1e-4)
    found["shortlist"].append(
        {"name": "3:4", "selection_delta_nll": -0.009, **figures(-0.005, 1e-4), "verdict": "better"}
    )
    assert advice(found).startswith("Significantly better: 3:4. Perplexity alone does not prove")


def test_the_lines_tell_chance_shrinkage_and_what_has_no_figure() -> None:
    talk = "\n".join(sweep_lines(answer("no difference", 0.0001, 0.8)))
    assert "by chance alone, the best of 2 plans without any effect would\nbe at -1.5 standard errors" in talk
    assert "which is -0.0008 for this one; one as good comes in 43.0% of 1,000 such sweeps" in talk
    assert "of the improvement that chose it, 50% is left" in talk
    assert "1 plan significantly worse, stopped early" in talk
    assert "1 plan without a result" in talk


def test_a_job_has_the_same_headline_and_a_result_of_another_version_has_none() -> None:
    found = answer("worse", 0.05, 1e-4)
    assert headline("sweep", found) == sweep_headline(found)
    assert headline("sweep", {"plans": []}) == ""


def test_without_a_measured_plan_nothing_is_claimed() -> None:
    assert sweep_headline({"winner": None}) == "no plan could be measured"


def test_the_map_has_the_blocks_of_one_scale() -> None:
    plans = [plan("a", 1.0, [0, 1]), plan("b", 2.0, [0, 2]), plan("c", 9.0, [0, 1], 0.5), plan("d", None, [1, 2])]
    assert harm_map({"plans": plans}).values == {(0, 1): 1.0, (0, 2): 2.0}
    assert harm_map({"plans": plans[2:3]}).name == "delta NLL at x0.5"
    assert harm_map({"plans": [plan("e", 1.0)]}) is None


@pytest.mark.parametrize("columns", [20, 9])
def test_every_block_of_the_map_is_drawn_where_there_is_room(columns: int) -> None:
    values = {(start, start + length): float(start + length) for length in (1, 2) for start in range(7 - length)}
    *lines, scale = (click.unstyle(line) for line in heat_lines(BlockMap("harm", values), 6, columns))
    drawn = [line[5:].split() if columns > 17 else list(line[5:]) for line in lines if line[:4].strip().isdigit()]
    assert sum(map(len, drawn)) == len(values)
    assert all(len(line) <= columns for line in lines)
    assert scale == "harm by deciles of the blocks: +1.0000 0 1 2 3 4 5 6 7 8 9 +6.0000"


def test_one_terrible_block_does_not_make_all_others_look_alike() -> None:
    harms = {(start, start + 1): float(start) for start in range(9)} | {(9, 10): 1e6}
    _, line, _ = (click.unstyle(line) for line in heat_lines(BlockMap("harm", harms), 10, 80))
    assert line.split() == ["1", *map(str, range(10))]


def test_a_cell_has_a_colour_and_a_digit() -> None:
    _, line, _ = heat_lines(BlockMap("harm", {(0, 1): 0.0, (1, 2): 1.0}), 2, 80)
    assert "\x1b[" in line
    assert click.unstyle(line) == "   1 0 5 "
