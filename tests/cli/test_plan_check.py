"""`dlec plan check`."""

import json
from pathlib import Path

import pytest


def test_a_good_plan_is_summed_up_as_json(dlec, plan: Path) -> None:
    result = dlec("plan", "check", plan, "--json")
    report = json.loads(result.stdout)
    assert result.exit_code == 0
    assert list(report) == ["ok", "layers", "parameters", "bytes", "problems"]
    assert (report["ok"], report["layers"], report["bytes"]) == (True, 8, 4 * report["parameters"])


def test_a_problem_as_json_says_where_it_is_and_what_to_do(dlec, bad_plan: Path) -> None:
    result = dlec("plan", "check", bad_plan, "--json")
    report = json.loads(result.stdout)
    assert result.exit_code == 1
    assert (report["ok"], report["layers"], report["parameters"], report["bytes"]) == (False, None, None, None)
    assert list(report["problems"][0]) == ["rule", "severity", "line", "column", "message", "fix"]
    assert (report["problems"][0]["severity"], report["problems"][0]["line"]) == ("error", 8)


def test_a_problem_is_shown_as_a_compiler_shows_it(dlec, bad_plan: Path) -> None:
    lines = dlec("plan", "check", bad_plan).stdout.splitlines()
    place, severity, rule, *_message = lines[0].split(" ")
    line, column = map(int, place.removeprefix(f"{bad_plan}:").split(":"))
    assert (line, severity, rule) == (8, "error", "layer-range")
    assert lines[1].strip() == "layer_range: [2, 9]"
    assert lines[2].index("^") == 2 + column - 1


def test_a_warning_forbids_only_when_strict(dlec, plan: Path) -> None:
    plan.write_text(plan.read_text() + "entirely_unknown: 1\n")
    assert dlec("plan", "check", plan).exit_code == 0
    assert dlec("plan", "check", plan, "--strict").exit_code == 1


@pytest.mark.parametrize(
    "content",
    [b"", b"- a list\n", b"\xff\xfe", b"a: [", b"x: &x [1]\n" * 3, b"#" * 2_000_001, b"a: \x00", b"1: 2\n"],
    ids=["empty", "list", "not-utf8", "cut-off", "repeated-keys", "too-large", "control", "number-key"],
)
def test_what_is_no_plan_is_refused_in_a_few_lines(dlec, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.yaml").write_bytes(content)
    result = dlec("plan", "check", "bad.yaml")
    output = result.stdout + result.stderr
    assert result.exit_code == 1
    assert "error" in output.lower()
    assert "Traceback" not in output


def test_a_model_that_is_not_here_is_a_problem_at_its_place(dlec, tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text(
        "merge_method: passthrough\nslices:\n- sources:\n  - model: ./nowhere\n    layer_range: [0, 1]\n"
    )
    problem = json.loads(dlec("plan", "check", "plan.yaml", "--json").stdout)["problems"][0]
    assert (problem["rule"], problem["line"], problem["column"]) == ("checkpoint", 4, 12)


def test_control_characters_of_a_plan_never_reach_the_screen(dlec, tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text('"\\e[31mred": 1\nmerge_method: "\\e]0;title\\a"\n')
    assert "\x1b" not in dlec("plan", "check", "plan.yaml").output
