"""Options: types, ranges, exclusions, requirements and devices, checked before any work."""

import json
from pathlib import Path

import click
import pytest

from dlec_tui.cli.options import ExpandedPath, Number, RelatedOption, WholeNumber
from tests.cli.tables import cases
from tests.cli.verbs import VERBS, least_words, run, words_for

RELATED = [
    (name, option) for name, verb in VERBS.items() for option in verb.params if isinstance(option, RelatedOption)
]


def test_options_that_exclude_each_other_are_refused_before_the_work(directory: Path) -> None:
    with cases() as table:
        for name, option in RELATED:
            verb = VERBS[name]
            for partner in verb.params:
                if option.excludes and set(option.excludes) & set(partner.opts):
                    with table.case(name, option.name, partner.name):
                        result = run(*least_words(name, verb), *words_for(option), *words_for(partner))
                        assert (result.exit_code, [file.name for file in directory.iterdir()]) == (2, ["store"])
                        assert "cannot be combined" in result.stderr


@pytest.mark.usefixtures("directory")
def test_an_option_that_needs_another_is_refused_alone() -> None:
    with cases() as table:
        for name, option in RELATED:
            if option.needs:
                with table.case(name, option.name):
                    result = run(*least_words(name, VERBS[name]), *words_for(option))
                    assert result.exit_code == 2
                    assert f"is for {' or '.join(option.needs)}" in result.stderr


def test_each_pair_of_outputs_that_one_verb_has_is_exclusive() -> None:
    for name, verb in VERBS.items():
        spelled = {spelling: option for option in verb.params for spelling in option.opts}
        if "--csv" in spelled:
            option = spelled["--csv"]
            assert isinstance(option, RelatedOption), name
            assert {"--json", "--queue", "--dry-run"} <= set(option.excludes)


@pytest.mark.usefixtures("directory")
def test_other_options_of_the_workbench_before_a_verb_are_refused() -> None:
    result = run("--ascii", "jobs", "list")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--ascii is for the workbench; dlec jobs does not open it. Leave it out." in result.stderr


@pytest.mark.parametrize(
    ("kind", "own"), [(click.Path, ExpandedPath), (click.IntRange, WholeNumber), (click.FloatRange, Number)]
)
def test_every_path_and_every_number_in_a_range_has_a_type_with_clear_errors(kind: type, own: type) -> None:
    found = [(name, each) for name, verb in VERBS.items() for each in verb.params if isinstance(each.type, kind)]
    assert len(found) > 1
    assert not [(name, each.name) for name, each in found if not isinstance(each.type, own)]


@pytest.mark.usefixtures("directory")
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["jobs", "show", "abc"], "'abc' is not a whole number from 1 to 9223372036854775807."),
        (["profile", "m", "--tokens", "many"], "'many' is not a whole number from 1 to 1000000000000."),
        (["profile", "m", "--tokens", "0"], "'0' is not a whole number from 1 to 1000000000000."),
        (["jobs", "wait", "--timeout", "soon"], "'soon' is not a number of at least 0."),
        (["web", "--port", "http"], "'http' is not a whole number from 0 to 65535."),
    ],
)
def test_the_error_for_an_invalid_number_has_the_range(words: list[str], expected: str) -> None:
    assert expected in run(*words).stderr


@pytest.mark.parametrize(
    "words",
    [
        ["profile", "MODEL", "--tokens", "9" * 25],
        ["generate", "plan.yaml", "--prompt", "x", "--tokens", "9" * 25],
        ["sweep", "report", "9" * 25],
        ["sweep", "report", "0"],
        ["plan", "new", "dlec", "MODEL", "--growth", "nan"],
        ["jobs", "wait", "--timeout", "nan"],
        ["jobs", "wait", "--timeout", "inf"],
        ["sweep", "overlap", "MODEL", "--slice-size", "1..99999999999"],
    ],
    ids=" ".join,
)
@pytest.mark.usefixtures("directory")
def test_numbers_out_of_any_range_are_usage_errors(words: list[str]) -> None:
    result = run(*words, "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["error"]["kind"] == "UsageError"


MEASURING = (
    ["profile", "MODEL"],
    ["sweep", "blocks", "MODEL"],
    ["plan", "new", "dlec", "MODEL", "--layers", "1"],
    ["preview", "plan.yaml"],
    ["generate", "plan.yaml", "--prompt", "x"],
    ["eval", "plan.yaml", "--tasks", "x"],
)


@pytest.fixture
def no_gpu(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dlec_tui.cli.measuring._AMD_DRIVER", directory / "none")
    monkeypatch.setattr("dlec_tui.plans.check_context.gpus", tuple)
    monkeypatch.setattr("dlec_tui.plans.check_context.device_of.__defaults__", (tuple,))


@pytest.mark.usefixtures("no_gpu")
def test_a_missing_gpu_is_an_error_before_the_work() -> None:
    Path("plan.yaml").touch()
    with cases() as table:
        for words in MEASURING:
            for device in ("cuda", "cuda:9", "cuda:0-3"):
                with table.case(*words, device):
                    result = run(*words, "--device", device)
                    assert (result.exit_code, result.stdout) == (2, "")
                    assert "no device cuda:" in result.stderr


@pytest.mark.usefixtures("no_gpu")
def test_a_worker_for_a_missing_gpu_is_refused() -> None:
    result = run("worker", "--slot", "cuda:9", "--until-empty")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "no device cuda:9" in result.stderr
