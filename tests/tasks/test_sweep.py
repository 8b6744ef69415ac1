"""What a sweep promises, on a tiny model: the figures of plain passes, judged elsewhere, resumable, and honest."""

import math
from contextlib import closing
from pathlib import Path

import pytest

from engine.checkpoint.checkpoint import open_checkpoint
from engine.errors import PlanError, UsageError
from engine.inference.load_model import open_model
from engine.plan.spaces import blocks
from engine.protocol import no_report
from engine.store.database import open_for_reading
from engine.store.location import store_path
from engine.tasks import preview, sweep
from engine.tasks.stages import ANNOUNCED, stage_of
from engine.tasks.sweeps import layer_source
from engine.tasks.sweeps.layer_source import LayerSource
from engine.tasks.sweeps.reporting import sweep_report
from tests.tasks.conftest import part, plan_of
from tests.tasks.sweeping import as_plans, blocks_of, write_probe


@pytest.fixture
def asked(request_of, tiny_llama: Path):
    """All blocks of one or two of six layers: 11 plans."""
    return {**request_of, "space": "blocks up to width 2", "plans": blocks_of(tiny_llama), "metrics": False}


@pytest.fixture
def listened(asked):
    """A sweep's answer, and all that was reported on the way."""
    heard = []
    return sweep.run(asked, lambda *told: heard.append(told)), heard


def announcements(texts):
    """The announced costs among the reported texts."""
    return [text for text in texts if text.startswith(ANNOUNCED)]


def named(found, name):
    return next(plan for plan in found["plans"] if plan["name"] == name)


def test_figures_are_those_of_a_preview(asked, listened):
    found, _ = listened
    (plan,) = (plan for plan in asked["plans"] if plan["name"] == "2:4")
    alone = preview.run({**asked, "plan": plan["text"], "split": "selection"}, no_report)
    swept = named(found, "2:4")
    assert swept["delta_nll"] == pytest.approx(alone["delta_nll"], abs=1e-6)
    assert swept["se"] == pytest.approx(alone["delta_nll_se"], abs=1e-6)
    assert swept["kl"] == pytest.approx(alone["kl"], abs=1e-6)
    assert swept["top1_agreement"] == pytest.approx(alone["top1_agreement"])
    assert found["base"]["selection"]["nll"] == pytest.approx(alone["base"]["nll"], abs=1e-6)


def test_the_headline_is_what_a_preview_says_on_the_half_that_chose_nothing(asked, listened):
    found, _ = listened
    winner = found["winner"]
    assert winner["name"] == min(found["plans"], key=lambda plan: plan["delta_nll"])["name"]
    judged = preview.run({**asked, "plan": winner["plan"], "split": "heldout"}, no_report)
    assert winner["heldout"]["delta_nll"] == pytest.approx(judged["delta_nll"], abs=1e-6)
    assert winner["selection"]["delta_nll"] == named(found, winner["name"])["delta_nll"]
    assert winner["shrinkage"]["lost"] == winner["heldout"]["delta_nll"] - winner["selection"]["delta_nll"]


def test_the_best_are_judged_and_adjusted_for_as_many(listened):
    found, _ = listened
    best = sorted(found["plans"], key=lambda plan: plan["delta_nll"])[:3]
    assert [plan["name"] for plan in found["shortlist"]] == [plan["name"] for plan in best]
    assert all(plan["p"] <= plan["holm_p"] <= min(1, 3 * plan["p"]) for plan in found["shortlist"])
    assert all(plan["p"] <= plan["holm_p"] <= min(1, 11 * plan["p"]) for plan in found["plans"])


def test_what_it_takes_is_said_first_and_done_exactly(listened):
    found, heard = listened
    assert announcements([what for *_, what in heard])[0].startswith(f"{ANNOUNCED}selection set, 11 plans: ")
    first, second = found["cost"]["parts"]
    assert (first["what"], second["what"]) == ("selection set", "held-out set")
    for part_ in (first, second):
        for name in ("layer_forwards", "heads", "chunks", "layer_reads", "read_bytes"):
            assert part_["counted"][name] == part_["announced"][name]
    assert first["announced"]["layer_forwards"] < 11 * 6
    assert first["expected_seconds"] > 0


def test_a_second_run_finds_everything_and_says_the_same(asked, listened):
    again = sweep.run(asked, no_report)
    assert again.pop("stored")
    first = {**listened[0]}
    assert not first.pop("stored")
    assert again == first


def test_the_report_of_the_store_is_the_answer(asked, listened):
    found = {name: value for name, value in listened[0].items() if name not in ("stored", "unranked")}
    with closing(open_for_reading(store_path(Path(asked["home"])))) as connection:
        assert sweep_report(connection, found["sweep"]) == found
        with pytest.raises(UsageError, match="no sweep 99"):
            sweep_report(connection, 99)


def test_progress_says_the_stage(listened):
    """Check of the base, selection set, held-out set."""
    _, heard = listened
    stages = list(dict.fromkeys(filter(None, (stage_of(what) for *_, what in heard))))
    assert stages == ["stage 1 of 3", "stage 2 of 3", "stage 3 of 3"]


class InterruptionError(Exception):
    pass


def test_an_interrupted_sweep_goes_on_where_it_was(asked):
    def interrupt(_done, _total, what):
        if "5 of 11 plans done" in what:
            raise InterruptionError

    with pytest.raises(InterruptionError):
        sweep.run(asked, interrupt)
    heard = []
    found = sweep.run(asked, lambda *told: heard.append(told[2]))
    assert "selection set, 6 plans: " in announcements(heard)[0]
    assert all(plan["delta_nll"] is not None for plan in found["plans"])


@pytest.fixture
def one_by_one(asked):
    """Its text in pieces, because the memory holds the states of few sequences."""
    return {**asked, "memory": 190_000, "batch_size": 1}


def interrupted(asked, *, pieces=1, share=0.7):
    """The progress of a sweep that ends when so much is done of a piece of the text that was announced."""
    heard = []

    def interrupt(done, total, what):
        heard.append((done, total, what))
        announced = sum(what.startswith(ANNOUNCED) for _, _, what in heard)
        if announced == pieces and done > share * total:
            raise InterruptionError

    with pytest.raises(InterruptionError):
        sweep.run(asked, interrupt)
    return heard


def test_a_sweep_interrupted_within_the_text_goes_on_in_the_middle_of_it(one_by_one, tmp_path):
    whole = sweep.run({**one_by_one, "home": str(tmp_path / "whole")}, no_report)
    chunks = whole["cost"]["parts"][0]["announced"]["chunks"]
    first = interrupted(one_by_one)
    assert chunks >= 4
    assert "0 of 11 plans done" in first[-1][2]
    found = sweep.run(one_by_one, no_report)
    left = found["cost"]["parts"][0]
    assert left["announced"]["plans"] == 11
    assert left["announced"]["chunks"] <= chunks * 0.3 + 1
    assert left["counted"]["layer_reads"] == left["announced"]["layer_reads"] > 0
    assert (found["plans"], found["winner"]) == (whole["plans"], whole["winner"])


def test_a_plan_that_was_not_begun_takes_the_others_back_to_the_beginning(one_by_one, tiny_llama, tmp_path):
    more = {**one_by_one, "plans": blocks_of(tiny_llama, 3)}
    whole = sweep.run({**more, "home": str(tmp_path / "whole")}, no_report)
    interrupted(one_by_one)
    found = sweep.run(more, no_report)
    assert (found["plans"], found["cost"]["parts"][0]["announced"]) == (
        whole["plans"],
        whole["cost"]["parts"][0]["announced"],
    )


def test_partial_results_are_deleted_when_the_whole_ones_are_stored(one_by_one):
    interrupted(one_by_one)
    store = store_path(Path(one_by_one["home"]))
    with closing(open_for_reading(store)) as connection:
        assert connection.row("SELECT count(DISTINCT visits) FROM partial_results") == (12,)
    sweep.run(one_by_one, no_report)
    with closing(open_for_reading(store)) as connection:
        assert connection.row("SELECT count(*) FROM partial_results") == (0,)


def test_another_sweep_finds_the_plans_that_this_one_measured(asked, tiny_llama, listened):
    assert not listened[0]["stored"]
    heard = []
    sweep.run({**asked, "plans": blocks_of(tiny_llama, 3)}, lambda *told: heard.append(told[2]))
    assert "selection set, 4 plans: " in announcements(heard)[0]


def test_a_plan_that_changes_nothing_is_no_better_and_a_removed_layer_is_worse(asked, tiny_llama):
    same = {"name": "same", "text": plan_of(part(tiny_llama, 0, 3), part(tiny_llama, 3, 6))}
    found = sweep.run({**asked, "plans": [same]}, no_report)
    assert (found["winner"]["verdict"], found["winner"]["heldout"]["delta_nll"]) == ("no difference", 0)
    assert (found["by_chance"]["delta"], found["by_chance"]["p"]) == (0, 1)


def test_plans_that_visit_the_same_are_one(asked):
    twice = [*asked["plans"], {"name": "again", "text": asked["plans"][0]["text"] + "# another word\n"}]
    assert len(sweep.run({**asked, "plans": twice}, no_report)["plans"]) == 11


def test_scaled_visits_are_measured_as_they_would_be_merged(asked, tiny_llama):
    plans = blocks_of(tiny_llama, 1, scales=(1.0, 0.5, 0.0))
    found = sweep.run({**asked, "plans": plans}, no_report)
    (half,) = (plan for plan in plans if plan["name"] == "3:4 x0.5")
    alone = preview.run({**asked, "plan": half["text"], "split": "selection"}, no_report)
    assert named(found, "3:4 x0.5")["delta_nll"] == pytest.approx(alone["delta_nll"], abs=1e-6)
    assert named(found, "3:4 x0")["delta_nll"] == pytest.approx(0, abs=1e-6)


def test_metrics_are_ranked_beside_the_free_baseline(asked):
    found = sweep.run({**asked, "metrics": True}, no_report)
    assert found["unranked"] is None
    ranked = {(each["metric"], each["width"]) for each in found["rankings"]}
    metrics = {"distance from the middle", "angular distance", "block influence", "relative update", "second-pass"}
    assert ranked == {(metric, width) for metric in metrics | {"logit-lens"} for width in (0, 1, 2)}
    assert all(-1 <= each["spearman"] <= 1 for each in found["rankings"])
    assert {each["width"]: each["blocks"] for each in found["rankings"]} == {0: 11, 1: 6, 2: 5}


def test_a_rehearsal_says_what_it_would_take_and_measures_nothing(asked):
    told = sweep.run({**asked, "rehearsal": True}, no_report)["announced"]
    assert told["announced"]["plans"] == 11
    assert told["expected_seconds"] > 0
    assert not sweep.run(asked, no_report)["stored"]


def test_a_model_that_does_not_fit_is_streamed_and_measures_the_same(asked, listened):
    """150 kB hold two layers of 33 kB and the states, but not the model."""
    home = str(Path(asked["home"]).parent / "other")
    streamed = sweep.run({**asked, "memory": 190_000, "home": home, "metrics": True, "batch_size": 1}, no_report)
    announced = streamed["cost"]["parts"][0]["announced"]
    assert not announced["resident"]
    assert announced["layer_reads"] > 0
    assert "whole model" in streamed["unranked"]
    for mine, theirs in zip(streamed["plans"], listened[0]["plans"], strict=True):
        assert mine["delta_nll"] == pytest.approx(theirs["delta_nll"], abs=1e-5)


def test_plans_that_are_run_together_measure_the_same_with_as_many_layers_run(asked, listened):
    home = str(Path(asked["home"]).parent / "other")
    together = sweep.run({**asked, "together": 4, "home": home}, no_report)
    part_, alone = together["cost"]["parts"][0], listened[0]["cost"]["parts"][0]
    assert part_["counted"]["layer_forwards"] == alone["counted"]["layer_forwards"]
    for mine, theirs in zip(together["plans"], listened[0]["plans"], strict=True):
        assert mine["delta_nll"] == pytest.approx(theirs["delta_nll"], abs=1e-5)


def test_devices_that_each_hold_the_model_share_the_work_and_measure_the_same(asked, listened, monkeypatch):
    """Two of them, which here are one CPU with two models."""
    monkeypatch.setattr(LayerSource, "devices", ("cpu", "cpu"))
    monkeypatch.setattr(layer_source, "model_of", lambda checkpoint, _options: open_model(checkpoint.directory))
    home = str(Path(asked["home"]).parent / "other")
    shared = sweep.run({**asked, "home": home}, no_report)
    assert shared["plans"] == listened[0]["plans"]
    assert shared["winner"] == listened[0]["winner"]
    part_, alone = shared["cost"]["parts"][0], listened[0]["cost"]["parts"][0]
    assert part_["announced"]["plans"] == 11
    assert part_["counted"]["layer_forwards"] == part_["announced"]["layer_forwards"]
    assert part_["counted"]["layer_forwards"] == alone["counted"]["layer_forwards"] + 6  # the base once more


def test_plans_that_are_surely_worse_are_not_measured_on_even_where_it_is_interrupted(asked, tiny_llama, tmp_path):
    """A model whose layers are scaled up a thousandfold predicts far worse at once."""
    plans = [*asked["plans"], *as_plans([blocks.repeated(open_checkpoint(tiny_llama), (1, 2), 1e6)])]
    more = {**asked, "tokens": 8 * 64, "early_stop": True, "plans": plans}
    found = sweep.run(more, no_report)
    stopped = {plan["name"]: plan for plan in found["plans"] if plan["stopped_after"]}
    assert "1:2 x1e+06" in stopped
    assert all(plan["stopped_after"] in (16, 32) for plan in stopped.values())
    assert all(plan["delta_nll"] is None and plan["holm_p"] is None for plan in stopped.values())
    assert all(plan["delta_nll"] is not None for plan in found["plans"] if plan["name"] not in stopped)
    assert sweep.run(more, no_report)["stored"]
    again = {**more, "home": str(tmp_path / "again")}
    interrupted(again, pieces=3)
    heard = []
    assert sweep.run(again, lambda *told: heard.append(told[2]))["plans"] == found["plans"]
    assert sum(f"{ANNOUNCED}selection set" in what for what in heard) == 1


def test_stopping_early_needs_more_text_than_the_first_look(asked):
    with pytest.raises(UsageError, match="nothing to stop early"):
        sweep.run({**asked, "early_stop": True}, no_report)


@pytest.mark.parametrize(
    ("text", "words"),
    [("slices: []", "bad: the plan cannot be run"), (None, "bad: the plan is not a sequence")],
)
def test_a_plan_that_cannot_be_swept_is_named(asked, tiny_llama, text, words):
    dtype = "dtype: bfloat16\n"
    odd = dtype + blocks_of(tiny_llama)[0]["text"]
    with pytest.raises(PlanError, match=words):
        sweep.run({**asked, "plans": [*asked["plans"], {"name": "bad", "text": text or odd}]}, no_report)


def test_nothing_to_sweep_and_nothing_to_judge_are_refused(asked):
    with pytest.raises(UsageError, match="nothing to sweep"):
        sweep.run({**asked, "plans": []}, no_report)
    with pytest.raises(UsageError, match="cannot be evaluated"):
        sweep.run({**asked, "top": 0}, no_report)
    with pytest.raises(UsageError, match="cannot be run together"):
        sweep.run({**asked, "together": 0}, no_report)


def test_a_probe_is_answered_by_every_plan_and_paired_with_the_base(asked, tmp_path):
    probe = str(write_probe(tmp_path / "probe.jsonl"))
    found = sweep.run({**asked, "probe": probe}, no_report)["probe"]
    assert (found["name"], found["items"], len(found["plans"])) == ("probe.jsonl", 4, 11)
    for plan in found["plans"]:
        assert plan["right"] - found["right"] == plan["only_plan"] - plan["only_base"]
        assert plan["p"] <= plan["holm_p"] <= 1
    assert sum(plan["shortlist_holm_p"] is not None for plan in found["plans"]) == 3
    assert sweep.run({**asked, "probe": probe}, no_report)["stored"]


def test_the_answer_holds_no_number_that_json_lacks(asked):
    def numbers(value):
        if isinstance(value, dict):
            return [each for part_ in value.values() for each in numbers(part_)]
        if isinstance(value, list):
            return [each for part_ in value for each in numbers(part_)]
        return [value] if isinstance(value, float) else []

    found = sweep.run({**asked, "metrics": True}, no_report)
    assert all(map(math.isfinite, numbers(found)))
