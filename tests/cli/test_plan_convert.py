"""`dlec plan convert`."""

import json
from pathlib import Path

import pytest


def test_a_layer_map_becomes_a_plan_that_checks(dlec, tmp_path: Path, tiny_llama: Path) -> None:
    result = dlec("plan", "convert", "0..3,2..", "--model", tiny_llama)
    assert result.stdout.splitlines()[0] == "# Converted from 0..3,2..: 8 layers."
    (tmp_path / "plan.yaml").write_text(result.stdout)
    assert json.loads(dlec("plan", "check", "plan.yaml", "--json").stdout)["layers"] == 8


@pytest.mark.parametrize(
    ("target", "text"), [("exllamav3", "0..3,2..5"), ("rys", "(2,4)"), ("list", "0,1,2,3,2,3,4,5"), ("mergekit", None)]
)
def test_a_plan_file_becomes_what_other_tools_take_and_comes_back(
    dlec, plan: Path, tiny_llama: Path, target: str, text: str | None
) -> None:
    converted = dlec("plan", "convert", plan, "--to", target).stdout
    assert text is None or converted == f"{text}\n"
    back = dlec("plan", "convert", converted, "--to", "list", "--model", tiny_llama)
    assert back.stdout == "0,1,2,3,2,3,4,5\n"


def test_json_holds_the_layers_and_the_text(dlec) -> None:
    result = dlec("plan", "convert", "0..2,1", "--to", "list", "--json")
    assert json.loads(result.stdout) == {"text": "0,1,2,1", "layers": [0, 1, 2, 1]}


def test_what_another_tool_cannot_express_is_reported_on_stderr(dlec, plan: Path) -> None:
    plan.write_text(plan.read_text() + "dtype: bfloat16\n")
    result = dlec("plan", "convert", plan, "--to", "exllamav3")
    assert (result.stdout, result.stderr) == ("0..3,2..5\n", "not converted: dtype: BF16\n")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["0,1,2"], 2, "--model"),
        (["nowhere.yaml"], 2, "no such file"),
        (["(1,2)", "--to", "list"], 1, "--model"),
        (["0..9", "--to", "list", "--from", "rys"], 1, "two numbers"),
        (["\x00", "--to", "list"], 2, "no such file"),
        (["a" * 5000, "--to", "list"], 2, "no such file"),
    ],
)
def test_a_failed_conversion_gives_the_reason(dlec, arguments: list[str], code: int, says: str) -> None:
    result = dlec("plan", "convert", *arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    assert says in result.stderr
    assert "\x00" not in result.stderr


def test_layers_beyond_the_model_are_refused(dlec, tiny_llama: Path) -> None:
    result = dlec("plan", "convert", "0..6", "--model", tiny_llama)
    assert result.exit_code == 1
    assert "the model has 6 layers, 0 to 5" in result.stderr


def test_a_plan_of_a_whole_model_has_all_its_layers(dlec, tmp_path: Path, tiny_llama: Path) -> None:
    (tmp_path / "whole.yaml").write_text(f"merge_method: passthrough\nmodels:\n- model: {tiny_llama}\n")
    assert dlec("plan", "convert", "whole.yaml", "--to", "list").stdout == "0,1,2,3,4,5\n"
