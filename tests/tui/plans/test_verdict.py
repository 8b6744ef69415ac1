"""What is said of a plan while it is edited."""

import json
import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from dlec_tui.plans.checkpoints import PlanCheckpoints
from dlec_tui.plans.edits import with_blocks
from dlec_tui.plans.lines import fix_text, underlined
from dlec_tui.plans.plan_status import Verdict, cost_parts, counts_text, is_too_large, look_over, merge_rate
from dlec_tui.widgets.plan_editor import coloured
from engine.checkpoint.find import opener
from engine.plan.check import applied
from engine.plan.edits import slices_of
from engine.store.job_states import Done, now
from engine.store.jobs import Job, JobSpec
from tests.tiny import write_llama
from tests.tui.plan_pane import TWICE, model_in

BROKEN = TWICE.replace("[2, 6]", "[2, 9]")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return model_in(tmp_path_factory.mktemp("models"))


def verdict_on(text: str, model: Path) -> Verdict:
    return look_over(text.format(model=model), "grown", PlanCheckpoints(), model.parent / "dlec.sqlite")


def test_a_sound_plan_can_be_run_and_has_a_cost_and_a_place_to_go_to(model: Path) -> None:
    found = verdict_on(TWICE, model)
    assert found.reason_against_running == ""
    assert found.cost is not None
    assert found.cost.layers == 8
    assert found.out == model.parent / "grown"


def test_a_broken_plan_has_no_cost_and_says_how_many_errors_forbid_running_it(model: Path) -> None:
    found = verdict_on(BROKEN, model)
    assert found.cost is None
    assert found.reason_against_running == "the plan has 1 error"
    assert counts_text(found.problems).startswith("1 error")


def test_a_rule_that_the_settings_switch_off_is_not_asked(tmp_path: Path) -> None:
    model, text = model_in(tmp_path), TWICE.replace("[2, 6]", "[2, 5]")
    assert "unused-layer" in {problem.rule for problem in verdict_on(text, model).problems}
    (tmp_path / "config.toml").write_text('[rules]\noff = ["unused-layer"]\n')
    assert "unused-layer" not in {problem.rule for problem in verdict_on(text, model).problems}


def test_settings_that_are_not_understood_are_a_warning_and_switch_nothing_off(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[rules]\noff = 3\n")
    found = verdict_on(TWICE, model_in(tmp_path))
    assert found.reason_against_running == ""
    assert any("config.toml" in problem.message for problem in found.problems)


def test_a_text_that_does_not_parse_has_a_problem_and_no_slices(model: Path) -> None:
    found = verdict_on("slices: [", model)
    assert found.slices.unreadable
    assert found.problems


def test_a_range_past_the_end_is_fixed_without_touching_anything_else(model: Path) -> None:
    found = verdict_on(BROKEN, model)
    [problem] = [problem for problem in found.problems if problem.rule == "layer-range"]
    assert fix_text(problem) == "f: [2, 6]"
    assert problem.change is not None
    assert applied(found.text, [problem.change]) == TWICE.format(model=model)


def test_a_checkpoint_is_opened_once_and_again_when_its_files_have_changed(tmp_path: Path) -> None:
    model, checkpoints = str(model_in(tmp_path)), PlanCheckpoints()
    first = checkpoints.opener()(model)
    assert checkpoints.opener()(model) is first
    config = Path(model) / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"vocab_size": 99}))
    os.utime(config, ns=(1, 1))
    assert checkpoints.opener()(model) is not first


def test_within_one_look_a_checkpoint_stays_the_same_one(tmp_path: Path) -> None:
    """Checkpoints are compared by identity."""
    model = model_in(tmp_path)
    open_checkpoint = PlanCheckpoints().opener()
    first = open_checkpoint(str(model))
    os.utime(model / "config.json", ns=(1, 1))
    assert open_checkpoint(str(model)) is first


def test_the_cost_follows_the_plan_in_words(model: Path) -> None:
    words = ", ".join(cost_parts(verdict_on(TWICE, model), rate=None))
    for part in ("parameters (+", "in memory", "KV cache", "free"):
        assert part in words
    assert "merge: about" not in words


def test_a_disk_that_is_too_small_is_told(model: Path) -> None:
    found = verdict_on(TWICE, model)
    assert not is_too_large(found)
    assert is_too_large(replace(found, free=1))


def merged(job_id: int, nbytes: float, seconds: float) -> Job:
    state = Done(now() - timedelta(seconds=seconds), now(), {"bytes": nbytes, "seconds": seconds})
    return Job(job_id, str(job_id), now(), 1, JobSpec("merge", {}, "merge", {}), state)


def test_the_time_estimate_is_the_middle_one_of_the_latest_merges(model: Path) -> None:
    jobs = [
        merged(1, 9e9, 1),
        *(merged(number, 100.0, 1) for number in range(2, 5)),
        merged(5, 1e9, 1),
        merged(6, 0, 0),
    ]
    assert merge_rate(jobs) == 100.0
    assert "merge: about" in ", ".join(cost_parts(verdict_on(TWICE, model), merge_rate(jobs)))
    assert merge_rate([]) is None


@pytest.mark.parametrize(
    ("line", "column", "what"),
    [
        ("  layer_range: [2, 9]  # to the end", 16, "[2, 9]"),
        ("  - {filter: o_proj, value: 0.5}", 5, "{filter: o_proj, value: 0.5}"),
        ("  - {filter: o_proj, value: 0.5}", 14, "o_proj"),
        ("dtype: nonsense # why", 8, "nonsense"),
        ("model: org/name:x", 8, "org/name:x"),
        ("  slises:", 3, "slises"),
        ("  short", 80, "short"),
    ],
)
def test_what_a_problem_points_at_is_underlined(line: str, column: int, what: str) -> None:
    assert slice(*underlined(line, column)) == slice(line.index(what), line.index(what) + len(what))


def test_a_line_is_coloured_by_its_parts() -> None:
    line = '- model: "a#b"  # why'
    assert [(line[start:end], part) for start, end, part in coloured(line)] == [
        ("model", "key"),
        ('"a#b"', "string"),
        ("# why", "comment"),
    ]


def test_blocks_begin_a_plan_that_visits_everything(model: Path) -> None:
    text = with_blocks("", str(model), [(2, 4)], "lowest residual", opener()).text
    assert [(view.start, view.end) for view in slices_of(text)] == [(0, 4), (2, 6)]
    assert "lowest residual" in text


def test_blocks_go_behind_the_slices_of_a_plan_with_their_reason_above_them(model: Path) -> None:
    before = TWICE.format(model=model)
    text = with_blocks(before, str(model), [(1, 2), (3, 5)], "lowest\nresidual", opener()).text
    assert [(view.start, view.end) for view in slices_of(text)][2:] == [(1, 2), (3, 5)]
    assert text.startswith(before)
    assert text.count("  # lowest\\nresidual\n") == 2


def test_a_second_model_is_checked_too(model: Path, tmp_path: Path) -> None:
    other = write_llama(tmp_path / "Other", hidden=16)
    found = look_over(
        TWICE.format(model=model).replace(str(model), str(other), 1),
        "grown",
        PlanCheckpoints(),
        model.parent / "dlec.sqlite",
    )
    assert any("hidden_size" in problem.message for problem in found.problems)
