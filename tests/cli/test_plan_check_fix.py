"""`dlec plan check --fix`: what can only be meant in one way is put right in the file, the rest is reported."""

import json
from pathlib import Path

BROKEN = """\
merge_method: passthru  # 層
slices:
- sources:
  - model: {model}
    layer_range: [0, 4]
    paramters: {{scale: [{{filter: o_proj, value: 0.5}}]}}
"""


def broken_plan(directory: Path, model: Path, more: str = "") -> Path:
    path = directory / "plan.yaml"
    path.write_text(BROKEN.format(model=model) + more)
    return path


def test_the_file_is_fixed_and_checked_again(dlec, tmp_path: Path, tiny_llama: Path) -> None:
    plan = broken_plan(tmp_path, tiny_llama)
    before = plan.read_text()
    assert dlec("plan", "check", plan).exit_code == 1
    assert plan.read_text() == before
    result = dlec("plan", "check", plan, "--fix")
    assert result.exit_code == 0
    assert plan.read_text() == before.replace("passthru ", "passthrough ").replace("paramters", "parameters")
    first, second, *_rest = result.stdout.splitlines()
    assert first.startswith(f"{plan}:1 fixed merge-method ")
    assert "fixed unknown-key" in second


def test_what_takes_a_person_is_left_and_still_refused(dlec, tmp_path: Path, tiny_llama: Path) -> None:
    plan = broken_plan(tmp_path, tiny_llama, f"- sources: [{{model: {tiny_llama}, layer_range: [4, 9]}}]\n")
    result = dlec("plan", "check", plan, "--fix", "--json")
    report = json.loads(result.stdout)
    assert result.exit_code == 1
    assert [problem["rule"] for problem in report["fixed"]] == ["merge-method", "unknown-key"]
    assert [problem["rule"] for problem in report["problems"]] == ["layer-range"]


def test_a_plan_without_fault_is_not_written(dlec, plan: Path) -> None:
    before = plan.stat()
    report = json.loads(dlec("plan", "check", plan, "--fix", "--json").stdout)
    assert report["fixed"] == []
    assert plan.stat().st_mtime_ns == before.st_mtime_ns
    assert plan.stat().st_ino == before.st_ino


def test_without_fix_the_key_fixed_is_absent(dlec, plan: Path) -> None:
    assert "fixed" not in json.loads(dlec("plan", "check", plan, "--json").stdout)
