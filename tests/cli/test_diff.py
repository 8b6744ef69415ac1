"""`dlec diff` and `dlec origin`."""

import csv
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

import dlec as face
from tests.comparison.weights import base, rewrite, tensors_in, trained

PLAN = """merge_method: passthrough
slices:
  - sources: [{{model: {model}, layer_range: [0, 4]}}]
  - sources: [{{model: {model}, layer_range: [2, 6]}}]
"""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return base(tmp_path / "M")


@pytest.fixture
def stack(model: Path, tmp_path: Path) -> Path:
    face.merge(PLAN.format(model=model), tmp_path / "stack", load_check=False)
    return tmp_path / "stack"


@pytest.fixture
def after(stack: Path, tmp_path: Path) -> Path:
    return trained(stack, tmp_path / "after", 0.05)


def test_the_text_says_the_pairing_the_values_and_the_caveat(dlec, model: Path, after: Path) -> None:
    result = dlec("diff", model, after)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[2] == "paired by plan: mergekit_config.yml says that B was made of A"
    assert "75 tensors compared, 0 bit-identical" in lines
    row = next(line for line in lines if re.match(r"mlp\.up_proj +0\.", line))
    assert 0.04 < float(row.split()[1]) < 0.06
    assert re.search(r"median relative by group +single layers +originals +first copies", result.stdout)
    assert "Relative change divides by the size of the tensor." in result.stdout


def test_ranks_are_shown_on_request(dlec, model: Path, after: Path) -> None:
    assert "effective rank" not in dlec("diff", model, after).stdout
    text = dlec("diff", model, after, "--spectrum").stdout
    assert re.search(r"mlp\.up_proj, originals +\d+\.\d +\d+\.\d +\d+\.\d%", text)


def test_the_map_has_a_digit_for_each_layer(dlec, model: Path, after: Path) -> None:
    result = dlec("diff", model, after, "--scale", "shared", "--quantity", "rms")
    [row] = [line for line in result.stdout.splitlines() if re.fullmatch(r"mlp\.up_proj +[0-9]{8}", line)]
    assert set(row.split()[1]) <= set("0123456789")
    assert "RMS of the difference: layers across, 0 (low) to 9 (high), one scale for all rows" in result.stdout


def test_json_has_the_documented_fields(dlec, model: Path, after: Path) -> None:
    answer = json.loads(dlec("diff", model, after, "--json").stdout)
    assert {"a", "b", "pair", "pairs", "unpaired"} <= answer.keys()
    fields = {"name", "base_name", "layer", "base_layer", "type", "relative", "rms", "max", "cosine", "identical"}
    assert all(fields <= pair.keys() for pair in answer["pairs"])
    pair = next(pair for pair in answer["pairs"] if pair["name"] == "model.layers.5.mlp.up_proj.weight")
    assert (pair["base_name"], pair["type"]) == ("model.layers.3.mlp.up_proj.weight", "mlp.up_proj")


def test_several_checkpoints_are_compared_with_the_first(dlec, stack: Path, after: Path, tmp_path: Path) -> None:
    later = trained(after, tmp_path / "later", 0.1, seed=3)
    answer = json.loads(dlec("diff", stack, after, later, "--json").stdout)
    assert [each["b"] for each in answer["diffs"]] == [str(after), str(later)]
    text = dlec("diff", stack, after, later).stdout
    assert re.search(r"median relative by layer group.*\nsingle layers +0\.\d+ +0\.\d+\noriginals", text)


def test_csv_svg_and_html_are_written_or_printed(dlec, model: Path, after: Path, tmp_path: Path) -> None:
    files = {name: tmp_path / f"map.{name}" for name in ("svg", "html")}
    result = dlec("diff", model, after, "--svg", files["svg"], "--html", files["html"], "--json")
    assert json.loads(result.stdout)["pair"] == "plan"
    ElementTree.fromstring(files["svg"].read_text())
    assert files["html"].read_text().count("<svg") == 4
    rows = list(csv.DictReader(dlec("diff", model, after, "--csv").stdout.splitlines()))
    assert len(rows) == 75
    assert {row["b"] for row in rows} == {str(after)}
    assert dlec("diff", model, after, "--svg").stdout == files["svg"].read_text()


def test_a_file_that_cannot_be_written_is_one_message(dlec, model: Path, after: Path) -> None:
    result = dlec("diff", model, after, "--svg", "/proc/map.svg")
    assert result.exit_code != 0
    assert "/proc/map.svg cannot be written" in result.stderr


def test_checkpoints_that_cannot_be_compared_are_one_message(dlec, model: Path, tmp_path: Path) -> None:
    result = dlec("diff", model, base(tmp_path / "wider", hidden=48))
    assert result.exit_code != 0
    assert "cannot be compared: no tensor has a counterpart of its shape" in result.stderr
    assert "Traceback" not in result.output


def test_a_base_that_has_changed_since_the_merge_is_noted_by_the_check(
    dlec, model: Path, stack: Path, tmp_path: Path
) -> None:
    plan = tmp_path / "again.yaml"
    plan.write_text(f"merge_method: passthrough\nslices:\n  - sources: [{{model: {stack}, layer_range: [0, 8]}}]\n")
    assert "changed-base" not in dlec("plan", "check", plan, "--no-load-check").stdout
    rewrite(model, {name: tensor * 2 for name, tensor in tensors_in(model).items()})
    result = dlec("plan", "check", plan, "--no-load-check")
    assert f"changed-base {stack} was merged from {model}, which has changed since" in result.stdout


def test_a_comparison_is_queued_with_absolute_paths(dlec, model: Path, after: Path, monkeypatch) -> None:
    monkeypatch.chdir(model.parent)
    result = dlec("diff", "M", "after", "--queue", "--json")
    job = json.loads(dlec("jobs", "show", json.loads(result.stdout)["job"], "--json").stdout)
    assert job["title"] == "diff after against M"
    assert (job["request"]["a"], job["request"]["b"]) == (str(model), str(after))


def test_origin_prints_the_layers_and_a_plan_that_can_be_checked(
    dlec, model: Path, stack: Path, tmp_path: Path
) -> None:
    result = dlec("origin", stack, "--base", model)
    assert result.exit_code == 0
    assert f"{stack}: a stack of 8 layers, byte for byte" in result.stdout
    assert re.search(rf"4-7 +2-5 of {model}  identical", result.stdout)
    assert dlec("origin", stack, "--base", model, "-o", tmp_path / "p.yaml").exit_code == 0
    assert dlec("plan", "check", tmp_path / "p.yaml", "--no-load-check").exit_code == 0


def test_origin_of_a_trained_stack_says_how_sure_it_is(dlec, model: Path, after: Path) -> None:
    result = dlec("origin", after, "--base", model)
    assert re.search(r"4-7 +2-5 of \S+  correlation: cosine 0\.99\d, margin 0\.\d{3}", result.stdout)
    answer = json.loads(dlec("origin", after, "--base", model, "--json").stdout)
    assert {"plan", "layers", "unexplained"} <= answer.keys()


def test_origin_of_another_model_says_that_it_is_no_stack(dlec, model: Path, tmp_path: Path) -> None:
    result = dlec("origin", base(tmp_path / "other", seed=8), "--base", model)
    assert result.exit_code == 1
    assert "other: no stack of these bases" in result.stdout
    assert "0-5  no origin" in result.stdout
