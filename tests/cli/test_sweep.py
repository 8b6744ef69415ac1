"""`dlec sweep`: spaces, outputs, and the report that says it again."""

import csv
import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from dlec_tui.cli.main import dlec as command
from dlec_tui.cli.sweep_output import COLUMNS
from engine.checkpoint.find import opener
from engine.plan.check import check_plan
from tests.cli.test_profile import SMALL
from tests.tasks.sweeping import write_probe

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def sweep_at_home(home: Path):
    """Runs `dlec sweep ARGUMENTS` with this file's store; the text is small where anything is measured."""

    def run(verb: str, *arguments: object):
        small = () if verb == "report" else SMALL
        words = ["sweep", verb, *(str(argument) for argument in arguments), *small, "--home", str(home)]
        return CliRunner().invoke(command, words, catch_exceptions=False)

    return run


@pytest.fixture(scope="module")
def swept(sweep_at_home, tiny_llama: Path, home: Path):
    """All blocks of up to two layers, with a probe."""
    result = sweep_at_home("blocks", tiny_llama, "--width", 2, "--probe", write_probe(home / "probe.jsonl"))
    assert result.exit_code == 0, result.stderr
    return result


def test_the_estimated_cost_is_printed_to_stderr_first(swept) -> None:
    first, *rest = swept.stderr.splitlines()
    assert first.startswith("selection set, 11 plans: ")
    assert "layer-forwards" in first
    assert any(line.startswith("probe probe.jsonl, 11 plans: ") for line in rest)


def test_a_person_sees_table_chance_judgement_probe_metrics_and_map(swept) -> None:
    talk = swept.stdout
    assert "blocks up to width 2 of " in talk
    assert "by chance alone, the best of 11 plans without any effect would" in talk
    assert "measured again on text not used to choose them (3 plans):" in talk
    assert "the best of 11, " in talk
    assert "probe probe.jsonl: baseline " in talk
    assert "distance from the middle" in talk
    assert "delta NLL by deciles of the blocks: " in talk


@pytest.mark.usefixtures("swept")
def test_the_report_says_the_same_from_the_store(sweep_at_home, swept) -> None:
    again = sweep_at_home("report")
    assert again.exit_code == 0
    assert again.stdout == swept.stdout


@pytest.mark.usefixtures("swept")
def test_a_second_sweep_is_found(sweep_at_home, tiny_llama: Path, home: Path) -> None:
    again = sweep_at_home("blocks", tiny_llama, "--width", 2, "--probe", home / "probe.jsonl", "--json")
    assert json.loads(again.stdout)["stored"]
    assert again.stderr == ""


@pytest.mark.usefixtures("swept")
def test_csv_has_a_row_for_each_plan(sweep_at_home) -> None:
    rows = list(csv.DictReader(io.StringIO(sweep_at_home("report", "--csv").stdout)))
    assert list(rows[0]) == list(COLUMNS)
    assert [row["name"] for row in rows][:2] == ["0:1", "1:2"]
    assert len(rows) == 11
    assert sum(bool(row["heldout_delta_nll"]) for row in rows) == 3
    assert all(float(row["low"]) <= float(row["delta_nll"]) <= float(row["high"]) for row in rows)
    assert all(row["probe_right"] for row in rows)


@pytest.mark.usefixtures("swept")
def test_a_plan_of_a_sweep_is_written_and_can_be_merged(sweep_at_home, tmp_path: Path) -> None:
    out = tmp_path / "plan.yaml"
    assert sweep_at_home("report", "--plan", "2:4", "--out", out).exit_code == 0
    assert out.read_text() == sweep_at_home("report", "--plan", "2:4").stdout
    assert [visit.layer for visit in check_plan(out.read_text(), opener()).stack.visits] == [0, 1, 2, 3, 2, 3, 4, 5]


@pytest.mark.usefixtures("swept")
def test_sweeps_are_listed(sweep_at_home) -> None:
    (listed,) = [each for each in json.loads(sweep_at_home("report", "--list", "--json").stdout) if each["plans"] == 11]
    assert listed["finished_at"]
    assert f"{listed['id']:>4}  blocks up to width 2 of " in sweep_at_home("report", "--list").stdout


@pytest.mark.parametrize(
    ("space", "plans"),
    [
        (("singles", "--scale", "1,0.5"), 12),
        (("overlap", "--slice-size", "3", "--backward-jump", "1..2", "--last-slice", "3"), 2),
        (("recipes", "repeat", "--with", "layers=1:3,2:5", "--with", "times=1..2"), 4),
    ],
)
def test_every_space_says_what_it_would_take(dlec, tiny_llama: Path, space, plans: int) -> None:
    verb, *options = space
    told = dlec("sweep", verb, tiny_llama, *options, *SMALL, "--dry-run", "--json")
    assert told.exit_code == 0, told.stderr
    assert json.loads(told.stdout)["announced"]["plans"] == plans


def test_plans_are_swept_by_their_files(sweep_at_home, plan: Path, tiny_llama: Path) -> None:
    result = sweep_at_home("plans", tiny_llama, plan, "--no-metrics", "--top", 1, "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert [(each["name"], each["block"]) for each in found["plans"]] == [("plan", None)]
    assert found["winner"]["name"] == "plan"


def test_a_sweep_can_be_queued(sweep_at_home, tiny_llama: Path) -> None:
    result = sweep_at_home("blocks", tiny_llama, "--width", 1, "--queue")
    assert result.exit_code == 0, result.stderr
    assert "Queued job 1: sweep blocks up to width 1 of tiny-llama" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("blocks", "MODEL", "--scale", "x"), "not a list of numbers such as 1,0.7"),
        (("overlap", "MODEL", "--slice-size", "9..6"), "not a list of numbers such as 6,8"),
        (("recipes", "MODEL", "repeat", "--with", "size=3"), "not a range of an option of repeat"),
        (("recipes", "MODEL", "alternate"), "two models"),
        (("blocks", "MODEL", "--memory", "much"), "not a size"),
        (("report", "99"), "no sweep 99"),
        (("report", "--out", "plan.yaml"), "--out is for --plan"),
    ],
)
@pytest.mark.usefixtures("swept")
def test_impossible_requests_exit_with_code_2(sweep_at_home, tiny_llama: Path, arguments, words: str) -> None:
    result = sweep_at_home(*(str(tiny_llama) if word == "MODEL" else word for word in arguments))
    assert result.exit_code == 2
    assert words in result.stderr


def test_an_empty_store_has_no_sweep(dlec) -> None:
    result = dlec("sweep", "report")
    assert result.exit_code == 2
    assert "no sweep in the store" in result.stderr
    assert dlec("sweep", "report", "--list").stdout == "no sweeps\n"


def test_the_recipe_that_searches_writes_a_plan_and_shows_judged_figures_alone(dlec, tiny_llama: Path) -> None:
    small = ("--protect-first", 0, "--scales", "1,0.5", *SMALL)
    result = dlec("plan", "new", "dlec-search", tiny_llama, "--layers", 1, *small, "--out", "found.yaml")
    assert result.exit_code == 0, result.stderr
    assert "10 plans tried; the best, on held-out text:" in result.stderr
    assert "on text not used to choose it" in result.stderr
    assert len(check_plan(Path("found.yaml").read_text(), opener()).stack.visits) == 7


def test_a_search_needs_a_budget(dlec, tiny_llama: Path) -> None:
    result = dlec("plan", "new", "dlec-search", tiny_llama)
    assert result.exit_code == 2
    assert "Give --layers or --growth" in result.stderr
