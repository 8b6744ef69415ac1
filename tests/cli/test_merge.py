"""`dlec merge`."""

import ast
import json
import shlex
import shutil
from pathlib import Path

import pytest

from engine.tasks.loadcheck import LoadCheck
from tests.cli.conftest import write_plan
from tests.tiny import write_llama

SHAPE = ["out", "bytes", "seconds", "shards", "tensors_copied", "tensors_computed", "loadcheck"]


def test_json_is_the_documented_shape(dlec, plan: Path) -> None:
    result = dlec("merge", plan, "out", "--no-load-check", "--json")
    report = json.loads(result.stdout)
    assert result.exit_code == 0
    assert list(report) == SHAPE
    assert (report["out"], report["shards"], report["tensors_computed"], report["loadcheck"]) == ("out", 1, 0, None)
    assert report["tensors_copied"] == 8 * 9 + 2
    assert report["bytes"] == Path("out/model.safetensors").stat().st_size


@pytest.mark.slow
def test_the_load_check_reports_what_transformers_opened(dlec, plan: Path) -> None:
    found = json.loads(dlec("merge", plan, "out", "--json").stdout)["loadcheck"]
    assert (found["ok"], found["architecture"]) == (True, "LlamaForCausalLM")
    assert found["missing"] == found["unexpected"] == found["mismatched"] == found["differences"] == []


def test_it_prints_how_to_open_and_upload_the_result(dlec, plan: Path) -> None:
    talk = dlec("merge", plan, "out", "--no-load-check").stdout
    assert "AutoModelForCausalLM.from_pretrained('out'" in talk
    assert "hf upload USER/NAME out" in talk


def test_printed_commands_work_for_any_name(dlec, plan: Path) -> None:
    name = """it's "new"; $(touch owned)"""
    *_, opening, upload = dlec("merge", plan, name, "--no-load-check").stdout.splitlines()
    call = ast.parse(opening.removeprefix("open it:").strip(), mode="eval").body
    assert ast.literal_eval(call.args[0]) == name
    assert shlex.split(upload.removeprefix("upload:"))[-1] == name


@pytest.mark.slow
def test_a_load_check_that_cannot_be_made_is_one_line(dlec, plan: Path, monkeypatch) -> None:
    monkeypatch.setattr(
        "engine.tasks.merge_writing.load_check", lambda *_: LoadCheck(unavailable="no torch\npip install it")
    )
    assert "load check: not possible, no torch" in dlec("merge", plan, "out").stdout
    assert len([line for line in dlec("merge", plan, "2").stdout.splitlines() if "pip install it" in line]) == 1


@pytest.mark.parametrize("size", ["200000", "200000B", "200 kB", "0.2MB"])
def test_a_size_may_be_spelled_in_any_unit(dlec, plan: Path, size: str) -> None:
    assert dlec("merge", plan, "out", "--no-load-check", "--max-shard-size", size).exit_code == 0


def test_shards_are_no_larger_than_asked(dlec, plan: Path) -> None:
    report = json.loads(dlec("merge", plan, "out", "--no-load-check", "--max-shard-size", "100KB", "--json").stdout)
    shards = list(Path("out").glob("model-*.safetensors"))
    assert len(shards) == report["shards"] > 1
    assert all(shard.stat().st_size <= 100_000 + 4096 for shard in shards)


@pytest.mark.parametrize("size", ["5 apples", "", "-1GB", "0", "0.5B", "1e3", "9" * 400, "99999999TB"])
def test_a_size_that_is_none_is_a_usage_error(dlec, plan: Path, size: str) -> None:
    assert dlec("merge", plan, "out", "--max-shard-size", size).exit_code == 2


def test_sums_are_written_when_asked_for(dlec, plan: Path) -> None:
    assert dlec("merge", plan, "out", "--no-load-check", "--hash", "--no-reflink").exit_code == 0
    assert "model.safetensors" in Path("out/SHA256SUMS").read_text()


def test_an_output_that_is_taken_is_a_usage_error_and_left_alone(dlec, plan: Path) -> None:
    Path("out").mkdir()
    Path("out/mine").write_text("mine")
    result = dlec("merge", plan, "out", "--no-load-check")
    assert (result.exit_code, result.stdout) == (2, "")
    assert [entry.name for entry in Path("out").iterdir()] == ["mine"]


def test_overwrite_replaces_a_model(dlec, plan: Path) -> None:
    write_llama(Path("out"), layers=2)
    assert dlec("merge", plan, "out", "--no-load-check", "--overwrite").exit_code == 0
    assert json.loads(Path("out/config.json").read_text())["num_hidden_layers"] == 8


def test_a_plan_with_errors_is_not_merged(dlec, bad_plan: Path) -> None:
    result = dlec("merge", bad_plan, "out")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "layer-range" in result.stderr
    assert not Path("out").exists()


def test_strict_refuses_a_plan_with_warnings(dlec, plan: Path) -> None:
    plan.write_text(plan.read_text() + "entirely_unknown: 1\n")
    assert dlec("merge", plan, "out", "--strict", "--no-load-check").exit_code == 1
    assert dlec("merge", plan, "out", "--no-load-check").exit_code == 0


def test_download_asks_the_hub_only_for_what_is_not_here(dlec, plan: Path, tiny_llama: Path, monkeypatch) -> None:
    asked = []

    def download(reference: str) -> Path:
        asked.append(reference)
        snapshot = Path("no-hub-cache/models--org--tiny/snapshots/main")
        shutil.copytree(tiny_llama, snapshot)
        return snapshot

    monkeypatch.setattr("engine.tasks.download.download", download)
    plan.write_text(plan.read_text().replace(str(tiny_llama), "org/tiny"))
    assert dlec("merge", plan, "one", "--no-load-check").exit_code == 1
    assert dlec("merge", plan, "two", "--no-load-check", "--download").exit_code == 0
    assert asked == ["org/tiny"]


def test_files_that_name_layers_follow_the_stack_and_the_report_says_so(dlec, tmp_path: Path) -> None:
    source = write_llama(tmp_path / "own")
    plan = write_plan(tmp_path / "own.yaml", source, (0, 4), (2, 6))
    listed = {"exclude_modules": ["lm_head", "model.layers.5.mlp"], "n_layers": 6}
    (source / "hf_quant_config.json").write_text(json.dumps(listed))
    (source / "imatrix.dat").write_bytes(b"\0")
    talk = dlec("merge", plan, "out", "--no-load-check").stdout
    assert "rewritten: hf_quant_config.json" in talk
    assert "left out: imatrix.dat (measured on the source's layers)" in talk
    written = json.loads(Path("out/hf_quant_config.json").read_text())
    assert written == {"exclude_modules": ["lm_head", "model.layers.7.mlp"], "n_layers": 8}
    manifest = json.loads(Path("out/dlec_manifest.json").read_text())
    assert manifest["rewritten"] == ["hf_quant_config.json"]
    assert "imatrix.dat" in manifest["left_out"]
